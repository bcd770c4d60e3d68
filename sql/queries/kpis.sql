-- The key figures as `c360 demo` shows them.
SELECT
  title,
  value,
  previous_value,
  change,
  format,
  period_end
FROM dashboards.agg_kpis
ORDER BY position
