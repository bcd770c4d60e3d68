-- Sightings with one spelling for each e-mail address and phone number. What two sources spell differently is one
-- identifier of a customer, so it is gathered again.
WITH known_values AS (
  SELECT
    identity_type,
    raw_value,
    country,
    identity_value,
    reason
  FROM input.known_values
  WHERE rules = @rules
),

spelt AS (
  SELECT
    s.source_system,
    s.source_customer_id,
    s.identity_type,
    IF(s.identity_type IS NULL, NULL, COALESCE(v.identity_value, s.raw_value, '')) AS identity_value,
    v.reason,
    s.is_primary,
    s.is_verified,
    s.first_loaded_date,
    s.seen_at
  FROM input.sightings AS s
  LEFT JOIN known_values AS v
    ON
      s.identity_type = v.identity_type
      AND COALESCE(s.raw_value, '') = v.raw_value
      AND COALESCE(s.country, '') = v.country
)

SELECT
  source_system,
  source_customer_id,
  identity_type,
  identity_value,
  reason,
  LOGICAL_OR(is_primary) AS is_primary,
  LOGICAL_OR(is_verified) AS is_verified,
  MIN(first_loaded_date) AS first_loaded_date,
  MAX(seen_at) AS seen_at
FROM spelt
GROUP BY source_system, source_customer_id, identity_type, identity_value, reason
