-- What @customer360_id allows, by type of consent: granted when a source customer grants it and none refuses. A type
-- that nobody was asked about has no row. One row per consent type, in its order.
SELECT
  consent_type,
  is_granted,
  grants,
  refusals,
  last_recorded_at
FROM core.int_person_consents
WHERE customer360_id = @customer360_id
ORDER BY consent_type
