-- People who came or went between two days, `before` and `after`, the first @most of each kind. One row per person.
WITH
ids AS (
  SELECT
    customer360_id,
    merged_into
  FROM identity.identity_id_history
  WHERE valid_from <= @to_day AND (valid_to IS NULL OR valid_to > @to_day)
),

people AS (
  SELECT
    ids.merged_into,
    COALESCE(before.customer360_id, after.customer360_id) AS customer360_id,
    CASE
      WHEN before.customer360_id IS NULL THEN 'arrived'
      WHEN ids.merged_into IS NOT NULL THEN 'merged'
      ELSE 'gone'
    END AS what
  FROM before
  FULL OUTER JOIN after ON before.customer360_id = after.customer360_id
  LEFT JOIN ids ON before.customer360_id = ids.customer360_id
  WHERE before.customer360_id IS NULL OR after.customer360_id IS NULL
)

SELECT
  customer360_id,
  what,
  merged_into
FROM people
QUALIFY ROW_NUMBER() OVER (PARTITION BY what ORDER BY customer360_id) <= @most
ORDER BY what, customer360_id
