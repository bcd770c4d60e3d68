-- What became of the id @customer360_id, of ids that stand for it now, and of the source customers that came and went.
-- `change` is id: `customer360_id` was given, or stands for `became` since that day; or moved: source customers that
-- were `customer360_id` are `became` since (NULL: no source names them any longer).
-- One row per change and day, newest first, the first @most; `total` counts all.
WITH
history AS (
  SELECT
    customer360_id,
    valid_from,
    valid_to,
    merged_into,
    cause,
    why
  FROM identity.identity_id_history
),

identity_map AS (
  SELECT
    customer360_id,
    source_system,
    source_customer_id,
    valid_from
  FROM identity.identity_map
),

moves AS (
  SELECT
    customer360_id,
    source_system,
    source_customer_id,
    valid_from,
    valid_to,
    cause,
    why
  FROM identity.identity_moves
),

ids AS (
  SELECT customer360_id
  FROM history
  WHERE valid_to IS NULL AND COALESCE(merged_into, customer360_id) = @customer360_id
),

concerned AS (
  SELECT
    identity_map.source_system,
    identity_map.source_customer_id
  FROM identity_map
  INNER JOIN ids ON identity_map.customer360_id = ids.customer360_id
  UNION DISTINCT
  SELECT
    moves.source_system,
    moves.source_customer_id
  FROM moves
  INNER JOIN ids ON moves.customer360_id = ids.customer360_id
),

intervals AS (
  SELECT
    moves.source_system,
    moves.source_customer_id,
    moves.customer360_id,
    moves.valid_from,
    moves.valid_to,
    moves.cause,
    moves.why
  FROM moves
  INNER JOIN concerned
    ON moves.source_system = concerned.source_system AND moves.source_customer_id = concerned.source_customer_id
  UNION ALL
  SELECT
    identity_map.source_system,
    identity_map.source_customer_id,
    identity_map.customer360_id,
    identity_map.valid_from,
    CAST(NULL AS DATE) AS valid_to,
    CAST(NULL AS STRING) AS cause,
    CAST(NULL AS STRING) AS why
  FROM identity_map
  INNER JOIN concerned
    ON
      identity_map.source_system = concerned.source_system
      AND identity_map.source_customer_id = concerned.source_customer_id
),

followed AS (
  SELECT
    source_system,
    source_customer_id,
    customer360_id,
    valid_to,
    cause,
    why,
    LEAD(customer360_id) OVER (PARTITION BY source_system, source_customer_id ORDER BY valid_from) AS next_id,
    LEAD(valid_from) OVER (PARTITION BY source_system, source_customer_id ORDER BY valid_from) AS next_from
  FROM intervals
),

moved AS (
  SELECT
    source_system,
    source_customer_id,
    customer360_id,
    IF(next_from = valid_to, next_id, NULL) AS became,
    valid_to AS changed_on,
    cause,
    why
  FROM followed
  WHERE valid_to IS NOT NULL
),

changes AS (
  SELECT
    history.valid_from AS changed_on,
    'id' AS change,
    history.customer360_id,
    history.merged_into AS became,
    history.cause,
    history.why,
    0 AS source_customers,
    CAST(NULL AS STRING) AS example
  FROM history
  INNER JOIN ids ON history.customer360_id = ids.customer360_id
  UNION ALL
  SELECT
    moved.changed_on,
    'moved' AS change,
    moved.customer360_id,
    moved.became,
    moved.cause,
    moved.why,
    COUNT(*) AS source_customers,
    MIN(CONCAT(moved.source_system, ':', moved.source_customer_id)) AS example
  FROM moved
  LEFT JOIN ids ON moved.customer360_id = ids.customer360_id
  LEFT JOIN ids AS later_ids ON moved.became = later_ids.customer360_id
  WHERE ids.customer360_id IS NOT NULL OR later_ids.customer360_id IS NOT NULL
  GROUP BY moved.changed_on, moved.customer360_id, moved.became, moved.cause, moved.why
)

SELECT
  changed_on,
  change,
  customer360_id,
  became,
  cause,
  why,
  source_customers,
  example,
  COUNT(*) OVER () AS total
FROM changes
QUALIFY ROW_NUMBER() OVER (ORDER BY changed_on DESC, change, customer360_id, became, cause, why) <= @most
ORDER BY changed_on DESC, change, customer360_id, became, cause, why
