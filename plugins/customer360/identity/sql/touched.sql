-- The source customers to resolve again: those that are new, and everyone of a person around whom an edge came or went.
-- An identifier whose customers are the same as before joins only people that it joined before, unless it was cut.
WITH now AS (
  SELECT
    source_system,
    source_customer_id,
    identity_type,
    identity_value
  FROM target.edges
),

before AS (
  SELECT
    source_system,
    source_customer_id,
    identity_type,
    identity_value
  FROM previous.edges
),

came AS (
  SELECT
    source_system,
    source_customer_id,
    identity_type,
    identity_value
  FROM now
  EXCEPT DISTINCT
  SELECT
    source_system,
    source_customer_id,
    identity_type,
    identity_value
  FROM before
),

went AS (
  SELECT
    source_system,
    source_customer_id,
    identity_type,
    identity_value
  FROM before
  EXCEPT DISTINCT
  SELECT
    source_system,
    source_customer_id,
    identity_type,
    identity_value
  FROM now
),

changed AS (
  SELECT
    identity_type,
    identity_value
  FROM came
  UNION DISTINCT
  SELECT
    identity_type,
    identity_value
  FROM went
  UNION DISTINCT
  SELECT
    identity_type,
    identity_value
  FROM previous.cuts
),

holders AS (
  SELECT
    n.source_system,
    n.source_customer_id
  FROM now AS n
  INNER JOIN changed AS c ON n.identity_type = c.identity_type AND n.identity_value = c.identity_value
  UNION DISTINCT
  SELECT
    b.source_system,
    b.source_customer_id
  FROM before AS b
  INNER JOIN changed AS c ON b.identity_type = c.identity_type AND b.identity_value = c.identity_value
),

decided AS (
  SELECT left_id AS own_id
  FROM scratch.decisions
  UNION DISTINCT
  SELECT right_id AS own_id
  FROM scratch.decisions
),

people AS (
  SELECT s.previous_id
  FROM scratch.sources AS s
  INNER JOIN holders AS h
    ON s.source_system = h.source_system AND s.source_customer_id = h.source_customer_id
  WHERE s.previous_id IS NOT NULL
  UNION DISTINCT
  SELECT s.previous_id
  FROM scratch.sources AS s
  INNER JOIN decided AS d ON s.own_id = d.own_id
  WHERE s.previous_id IS NOT NULL
)

SELECT
  s.own_id,
  s.source_system,
  s.source_customer_id,
  s.first_loaded_date,
  s.age_key,
  s.previous_id,
  s.previous_since
FROM scratch.sources AS s
LEFT JOIN people AS p ON s.previous_id = p.previous_id
WHERE s.previous_id IS NULL OR p.previous_id IS NOT NULL
