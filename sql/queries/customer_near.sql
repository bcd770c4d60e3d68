-- What somebody may have meant whose text found nobody: ids of people and of source customers, and e-mail addresses,
-- that begin with @beginning. One row per suggestion, those of about @length characters first, at most @most.
WITH
known AS (
  SELECT customer360_id AS suggestion
  FROM identity.identity_id_history
  WHERE valid_to IS NULL
  UNION DISTINCT
  SELECT source_customer_id AS suggestion
  FROM identity.identity_map
  UNION DISTINCT
  SELECT CONCAT(source_system, ':', source_customer_id) AS suggestion
  FROM identity.identity_map
  UNION DISTINCT
  SELECT identity_value AS suggestion
  FROM identity.identity_observations
  WHERE identity_type = 'EMAIL' AND reason IS NULL
)

SELECT suggestion
FROM known
WHERE STARTS_WITH(suggestion, @beginning)
QUALIFY ROW_NUMBER() OVER (ORDER BY ABS(LENGTH(suggestion) - @length), suggestion) <= @most
ORDER BY ABS(LENGTH(suggestion) - @length), suggestion
