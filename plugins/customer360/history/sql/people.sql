-- How many people came, went and stayed between two days, `before` and `after`. One row.
WITH
ids AS (
  SELECT
    customer360_id,
    merged_into
  FROM identity.identity_id_history
  WHERE valid_from <= @to_day AND (valid_to IS NULL OR valid_to > @to_day)
)

SELECT
  COUNT(before.customer360_id) AS people_before,
  COUNT(after.customer360_id) AS people_after,
  COUNTIF(before.customer360_id IS NULL) AS arrived,
  COUNTIF(after.customer360_id IS NULL AND ids.merged_into IS NOT NULL) AS merged,
  COUNTIF(after.customer360_id IS NULL AND ids.merged_into IS NULL) AS gone
FROM before
FULL OUTER JOIN after ON before.customer360_id = after.customer360_id
LEFT JOIN ids ON before.customer360_id = ids.customer360_id
