-- How satisfied people are with the support they got, from 1 to 5, over several periods.
WITH
interactions AS (
  SELECT
    interaction_date,
    is_resolved,
    satisfaction_score
  FROM core.fct_support_interactions
),

periods AS (
  SELECT
    period,
    first_day,
    last_day
  FROM
    UNNEST([
      STRUCT('all_time' AS period, DATE '0001-01-01' AS first_day, @run_date AS last_day),
      STRUCT('last_90_days', DATE_SUB(@run_date, INTERVAL 89 DAY), @run_date),
      STRUCT('last_30_days', DATE_SUB(@run_date, INTERVAL 29 DAY), @run_date),
      STRUCT('previous_30_days', DATE_SUB(@run_date, INTERVAL 59 DAY), DATE_SUB(@run_date, INTERVAL 30 DAY))
    ])
),

-- By day first, so that overlapping periods do not multiply the interactions.
days AS (
  SELECT
    interaction_date,
    COUNT(*) AS interactions,
    COUNTIF(is_resolved) AS resolved,
    COUNT(satisfaction_score) AS rated,
    COUNTIF(satisfaction_score >= 4) AS satisfied,
    SUM(satisfaction_score) AS score_sum
  FROM interactions
  GROUP BY interaction_date
),

totals AS (
  SELECT
    periods.period,
    COALESCE(SUM(days.interactions), 0) AS interactions,
    COALESCE(SUM(days.resolved), 0) AS resolved,
    COALESCE(SUM(days.rated), 0) AS rated,
    COALESCE(SUM(days.satisfied), 0) AS satisfied,
    SUM(days.score_sum) AS score_sum
  FROM periods
  LEFT JOIN days ON days.interaction_date BETWEEN periods.first_day AND periods.last_day
  GROUP BY periods.period
)

SELECT
  @run_date AS run_date,
  period,
  interactions,
  rated AS rated_interactions,
  CAST(SAFE_DIVIDE(score_sum, rated) AS NUMERIC) AS avg_satisfaction_score,
  CAST(SAFE_DIVIDE(CAST(satisfied AS NUMERIC), rated) AS NUMERIC) AS satisfied_share,
  CAST(SAFE_DIVIDE(CAST(resolved AS NUMERIC), interactions) AS NUMERIC) AS resolution_rate
FROM totals
