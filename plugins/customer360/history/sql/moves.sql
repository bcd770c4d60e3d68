-- How many people moved from which segment to which between two days, `before` and `after`.
-- One row per kind of segment, from and to.
WITH
moved AS (
  SELECT
    'value_segment' AS segment,
    before.value_segment AS segment_before,
    after.value_segment AS segment_after
  FROM before
  INNER JOIN after ON before.customer360_id = after.customer360_id
  UNION ALL
  SELECT
    'rfm_segment' AS segment,
    before.rfm_segment AS segment_before,
    after.rfm_segment AS segment_after
  FROM before
  INNER JOIN after ON before.customer360_id = after.customer360_id
  UNION ALL
  SELECT
    'lifecycle_stage' AS segment,
    before.lifecycle_stage AS segment_before,
    after.lifecycle_stage AS segment_after
  FROM before
  INNER JOIN after ON before.customer360_id = after.customer360_id
)

SELECT
  segment,
  segment_before,
  segment_after,
  COUNT(*) AS people
FROM moved
WHERE segment_before IS DISTINCT FROM segment_after
GROUP BY segment, segment_before, segment_after
ORDER BY segment DESC, people DESC, segment_before, segment_after
