-- Source customers numbered from 1, without one sort of all of them: within 4096 parts by their hash, then on top of
-- the parts before.
WITH parted AS (
  SELECT
    own_id,
    source_system,
    source_customer_id,
    first_loaded_date,
    age_key,
    previous_id,
    SUBSTR(own_id, 6, 3) AS part,
    ROW_NUMBER() OVER (PARTITION BY SUBSTR(own_id, 6, 3) ORDER BY own_id) AS number
  FROM scratch.sources
),

sizes AS (
  SELECT
    part,
    COUNT(*) AS size
  FROM parted
  GROUP BY part
),

starts AS (
  SELECT
    part,
    SUM(size) OVER (ORDER BY part) - size AS start
  FROM sizes
)

SELECT
  s.start + p.number AS node,
  p.own_id,
  p.source_system,
  p.source_customer_id,
  p.first_loaded_date,
  p.age_key,
  p.previous_id
FROM parted AS p
INNER JOIN starts AS s ON p.part = s.part
