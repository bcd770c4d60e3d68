-- How many people moved from which segment to which between two days. One row per kind of segment, from and to.
SELECT
  moved.segment,
  moved.segment_before,
  moved.segment_after,
  COUNT(*) AS people
FROM (
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
) AS moved
WHERE moved.segment_before IS DISTINCT FROM moved.segment_after
GROUP BY moved.segment, moved.segment_before, moved.segment_after
ORDER BY moved.segment DESC, people DESC, moved.segment_before, moved.segment_after
