-- One row per source customer. `own_id` is the id that it gives to a person whose first it is: a hash of the source's
-- key, the same on every engine and in every replay. `age_key` orders customers by when they were first loaded; of one
-- day an anonymous visitor comes last, so that a person's id does not hang on a cookie.
WITH customers AS (
  SELECT
    source_system,
    source_customer_id,
    MIN(first_loaded_date) AS first_loaded_date
  FROM input.observations
  WHERE first_loaded_date <= @run_date
  GROUP BY source_system, source_customer_id
)

SELECT
  CONCAT('c360_', SUBSTR(TO_HEX(SHA256(CONCAT(c.source_system, ':', c.source_customer_id))), 1, 24)) AS own_id,
  c.source_system,
  c.source_customer_id,
  c.first_loaded_date,
  CONCAT(
    CAST(c.first_loaded_date AS STRING),
    IF(c.source_system = 'anonymous', '~', ' '),
    c.source_system,
    ':',
    c.source_customer_id
  ) AS age_key,
  p.customer360_id AS previous_id,
  p.valid_from AS previous_since
FROM customers AS c
LEFT JOIN scratch.previous AS p
  ON c.source_system = p.source_system AND c.source_customer_id = p.source_customer_id
