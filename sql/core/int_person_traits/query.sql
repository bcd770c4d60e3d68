-- What other systems know of a person that no contract has a column for. A trait counts from the day it was computed
-- until it expires.
WITH
records AS (
  SELECT
    customer360_id,
    source_system,
    source_customer_id,
    survivorship_rank
  FROM core.int_customer_records
),

traits AS (
  SELECT
    source_system,
    customer_id AS source_customer_id,
    trait_key,
    trait_value,
    computed_at
  FROM staging.stg_traits__customer_traits
  WHERE DATE(computed_at) <= @run_date AND COALESCE(DATE(expires_at) > @run_date, TRUE)
),

person_traits AS (
  SELECT
    records.customer360_id,
    records.survivorship_rank,
    traits.trait_key,
    traits.trait_value,
    TRIM(JSON_VALUE(traits.trait_value)) AS trait_text,
    traits.computed_at
  FROM traits
  INNER JOIN records
    ON
      traits.source_system = records.source_system
      AND traits.source_customer_id = records.source_customer_id
),

births AS (
  SELECT
    customer360_id,
    survivorship_rank,
    SAFE_CAST(
      CASE
        WHEN trait_key = 'birth_year' AND REGEXP_CONTAINS(trait_text, r'^\d{4}$') THEN CONCAT(trait_text, '-01-01')
        WHEN trait_key = 'birth_month' AND REGEXP_CONTAINS(trait_text, r'^\d{4}-\d{2}$') THEN CONCAT(trait_text, '-01')
      END AS DATE
    ) AS born_from,
    IF(trait_key = 'birth_month', 'month', 'year') AS birth_precision
  FROM person_traits
  WHERE trait_key IN ('birth_year', 'birth_month')
),

-- A month says more than a year, whoever says it.
known_births AS (
  SELECT
    customer360_id,
    ROW_NUMBER() OVER (PARTITION BY customer360_id ORDER BY birth_precision, survivorship_rank) AS position,
    born_from,
    birth_precision
  FROM births
  WHERE born_from BETWEEN DATE '1900-01-01' AND @run_date
),

tags AS (
  SELECT
    person_traits.customer360_id,
    NULLIF(TRIM(entry), '') AS tag
  FROM person_traits
  CROSS JOIN UNNEST(JSON_VALUE_ARRAY(person_traits.trait_value)) AS entry
  WHERE person_traits.trait_key = 'tags'
),

tag_lists AS (
  SELECT
    customer360_id,
    ARRAY_AGG(DISTINCT tag IGNORE NULLS ORDER BY tag) AS tags
  FROM tags
  GROUP BY customer360_id
),

people AS (
  SELECT
    customer360_id,
    LOGICAL_OR(COALESCE(trait_key = 'customer_status' AND LOWER(trait_text) = 'suspended', FALSE)) AS is_suspended,
    MAX(computed_at) AS last_computed_at
  FROM person_traits
  GROUP BY customer360_id
)

SELECT
  people.customer360_id,
  COALESCE(tag_lists.tags, ARRAY<STRING>[]) AS tags,
  people.is_suspended,
  known_births.born_from,
  known_births.birth_precision,
  people.last_computed_at
FROM people
LEFT JOIN tag_lists ON people.customer360_id = tag_lists.customer360_id
LEFT JOIN known_births
  ON
    people.customer360_id = known_births.customer360_id
    AND known_births.position = 1
