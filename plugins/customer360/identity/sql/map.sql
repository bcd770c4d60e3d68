-- What was not resolved again is who it was.
WITH placed AS (
  SELECT
    s.source_system,
    s.source_customer_id,
    s.first_loaded_date,
    s.previous_id,
    s.previous_since,
    COALESCE(p.customer360_id, s.previous_id) AS customer360_id
  FROM scratch.sources AS s
  LEFT JOIN scratch.members AS m ON s.own_id = m.own_id
  LEFT JOIN scratch.people AS p ON m.component = p.component
)

SELECT
  customer360_id,
  source_system,
  source_customer_id,
  first_loaded_date,
  IF(customer360_id = previous_id, previous_since, @run_date) AS valid_from,
  @run_date AS run_date
FROM placed
