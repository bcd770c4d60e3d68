-- People who came or went between two days, the first @most of each kind. One row per person.
SELECT
  COALESCE(before.customer360_id, after.customer360_id) AS customer360_id,
  CASE
    WHEN before.customer360_id IS NULL THEN 'new'
    WHEN ids.merged_into IS NOT NULL THEN 'merged'
    ELSE 'gone'
  END AS what,
  ids.merged_into
FROM before
FULL OUTER JOIN after ON before.customer360_id = after.customer360_id
LEFT JOIN (
  SELECT
    customer360_id,
    merged_into
  FROM identity.identity_id_history
  WHERE valid_from <= @to_day AND (valid_to IS NULL OR valid_to > @to_day)
) AS ids ON before.customer360_id = ids.customer360_id
WHERE before.customer360_id IS NULL OR after.customer360_id IS NULL
QUALIFY
  ROW_NUMBER() OVER (
    PARTITION BY before.customer360_id IS NULL, ids.merged_into IS NULL
    ORDER BY COALESCE(before.customer360_id, after.customer360_id)
  ) <= @most
ORDER BY what, customer360_id
