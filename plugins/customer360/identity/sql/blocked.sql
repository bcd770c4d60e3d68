SELECT
  identity_type,
  identity_value,
  reason,
  COUNT(*) AS source_customers
FROM scratch.evidence
WHERE reason IS NOT NULL
GROUP BY identity_type, identity_value, reason
UNION ALL
SELECT
  identity_type,
  identity_value,
  blocked AS reason,
  source_customers
FROM target.nodes
WHERE blocked IS NOT NULL
