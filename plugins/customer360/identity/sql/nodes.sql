-- Counted before anything is joined: a value that a million customers have is never paired with itself.
WITH limits AS (
  SELECT
    identity_type,
    share_limit,
    unreliable_percent
  FROM UNNEST(@identity_types) AS identity_type WITH OFFSET AS position
  INNER JOIN UNNEST(@share_limits) AS share_limit WITH OFFSET AS limit_position
    ON position = limit_position
  INNER JOIN UNNEST(@unreliable_percents) AS unreliable_percent WITH OFFSET AS percent_position
    ON position = percent_position
),

nodes AS (
  SELECT
    identity_type,
    identity_value,
    COUNT(*) AS source_customers,
    -- The visitor of a device is not one of the customers who share it.
    COUNTIF(source_system <> 'anonymous') AS sharers,
    MIN(first_loaded_date) AS first_loaded_date,
    MAX(last_seen_at) AS last_seen_at
  FROM scratch.evidence
  WHERE reason IS NULL
  GROUP BY identity_type, identity_value
),

-- What many strangers share (a city) joins strangers where few share it, too. A few values prove nothing.
unreliable AS (
  SELECT n.identity_type
  FROM nodes AS n
  INNER JOIN limits AS l ON n.identity_type = l.identity_type
  WHERE n.sharers > 1
  GROUP BY n.identity_type, l.unreliable_percent
  HAVING
    COUNTIF(n.sharers > l.share_limit) >= 5
    AND COUNTIF(n.sharers > l.share_limit) * 100 > COUNT(*) * l.unreliable_percent
)

SELECT
  n.identity_type,
  n.identity_value,
  n.source_customers,
  n.first_loaded_date,
  n.last_seen_at,
  CASE
    WHEN n.sharers > l.share_limit THEN 'over_shared'
    WHEN u.identity_type IS NOT NULL THEN 'unreliable'
  END AS blocked
FROM nodes AS n
INNER JOIN limits AS l ON n.identity_type = l.identity_type
LEFT JOIN unreliable AS u ON n.identity_type = u.identity_type
