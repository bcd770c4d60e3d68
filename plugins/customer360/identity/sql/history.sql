-- The open row of an id says what it stands for now; what was merged before follows when that is merged again.
WITH followed AS (
  SELECT
    e.customer360_id,
    e.valid_from,
    s.customer360_id AS merged_into,
    s.cause,
    s.why
  FROM scratch.earlier AS e
  INNER JOIN scratch.successors AS s ON COALESCE(e.merged_into, e.customer360_id) = s.previous_id
  WHERE e.valid_to IS NULL
)

SELECT
  e.customer360_id,
  e.valid_from,
  IF(f.customer360_id IS NOT NULL AND e.valid_to IS NULL, @run_date, e.valid_to) AS valid_to,
  e.merged_into,
  e.cause,
  e.why
FROM scratch.earlier AS e
LEFT JOIN followed AS f ON e.customer360_id = f.customer360_id
UNION ALL
SELECT
  customer360_id,
  @run_date AS valid_from,
  CAST(NULL AS DATE) AS valid_to,
  merged_into,
  cause,
  why
FROM followed
UNION ALL
SELECT
  customer360_id,
  @run_date AS valid_from,
  CAST(NULL AS DATE) AS valid_to,
  CAST(NULL AS STRING) AS merged_into,
  cause,
  why
FROM scratch.people
WHERE is_new
