-- Recency, frequency and monetary scores of the people with at least one order: 1 + DIV(5 × n_worse, n), where n_worse
-- counts the people strictly worse, so equal values get equal scores. Counted over the distinct values, because a rank
-- over all people would be one sort of everything on one worker.
WITH
buyers AS (
  SELECT
    customer360_id,
    days_since_last_purchase,
    orders_count,
    total_revenue
  FROM core.int_person_commerce
  WHERE orders_count > 0
),

population AS (
  SELECT COUNT(*) AS people
  FROM buyers
),

recency_values AS (
  SELECT
    days_since_last_purchase,
    COUNT(*) AS people
  FROM buyers
  GROUP BY days_since_last_purchase
),

recency AS (
  SELECT
    days_since_last_purchase,
    COALESCE(
      SUM(people) OVER (
        ORDER BY days_since_last_purchase DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ),
      0
    ) AS people_worse
  FROM recency_values
),

frequency_values AS (
  SELECT
    orders_count,
    COUNT(*) AS people
  FROM buyers
  GROUP BY orders_count
),

frequency AS (
  SELECT
    orders_count,
    COALESCE(
      SUM(people) OVER (ORDER BY orders_count ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0
    ) AS people_worse
  FROM frequency_values
),

monetary_values AS (
  SELECT
    total_revenue,
    COUNT(*) AS people
  FROM buyers
  GROUP BY total_revenue
),

monetary AS (
  SELECT
    total_revenue,
    COALESCE(
      SUM(people) OVER (ORDER BY total_revenue ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0
    ) AS people_worse
  FROM monetary_values
),

scores AS (
  SELECT
    buyers.customer360_id,
    1 + DIV(5 * recency.people_worse, population.people) AS recency_score,
    1 + DIV(5 * frequency.people_worse, population.people) AS frequency_score,
    1 + DIV(5 * monetary.people_worse, population.people) AS monetary_score
  FROM buyers
  CROSS JOIN population
  INNER JOIN recency ON buyers.days_since_last_purchase = recency.days_since_last_purchase
  INNER JOIN frequency ON buyers.orders_count = frequency.orders_count
  INNER JOIN monetary ON buyers.total_revenue = monetary.total_revenue
)

SELECT
  customer360_id,
  recency_score,
  frequency_score,
  monetary_score,
  CASE
    WHEN recency_score <= 2 AND frequency_score <= 2 THEN 'hibernating'
    WHEN recency_score <= 2 AND frequency_score <= 4 THEN 'at_risk'
    WHEN recency_score <= 2 THEN 'cannot_lose'
    WHEN recency_score = 3 AND frequency_score <= 2 THEN 'about_to_sleep'
    WHEN recency_score = 3 AND frequency_score = 3 THEN 'need_attention'
    WHEN recency_score = 3 THEN 'loyal'
    WHEN recency_score = 4 AND frequency_score = 1 THEN 'promising'
    WHEN recency_score = 5 AND frequency_score = 1 THEN 'new'
    WHEN frequency_score <= 3 THEN 'potential_loyalists'
    WHEN recency_score = 4 THEN 'loyal'
    ELSE 'champions'
  END AS rfm_segment
FROM scores
