WITH consents AS (
  SELECT
    customer360_id,
    consent_type,
    is_granted,
    last_recorded_at
  FROM core.int_person_consents
)

SELECT
  customer360_id,
  CASE
    WHEN LOGICAL_OR(STARTS_WITH(consent_type, 'MARKETING_') AND is_granted) THEN 'opted_in'
    WHEN LOGICAL_OR(STARTS_WITH(consent_type, 'MARKETING_')) THEN 'opted_out'
    ELSE 'unknown'
  END AS opt_in_status,
  COALESCE(
    ARRAY_AGG(IF(is_granted, consent_type, NULL) IGNORE NULLS ORDER BY consent_type), ARRAY<STRING>[]
  ) AS consent_scopes,
  LOGICAL_OR(consent_type = 'PROFILING' AND NOT is_granted) AS refuses_profiling,
  MAX(last_recorded_at) AS last_recorded_at
FROM consents
GROUP BY customer360_id
