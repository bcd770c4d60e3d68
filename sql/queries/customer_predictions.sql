-- What the fitted models expect of @customer360_id, and the fit that says so. One row, or none without a fit and for
-- who never bought.
WITH
scores AS (
  SELECT
    probability_alive,
    predicted_purchases_90d,
    propensity_to_buy_score,
    churn_risk_score,
    churn_risk_pct,
    churn_risk_band,
    predicted_value,
    fitted_on
  FROM core.int_person_scores
  WHERE customer360_id = @customer360_id
),

-- Of fits of one day the last holds.
fits AS (
  SELECT
    fitted_on,
    data_from,
    customers,
    repeat_buyers,
    r,
    alpha,
    a,
    b,
    p,
    q,
    v,
    medium_above,
    high_above
  FROM ops.model_fits
  WHERE model = 'bg_nbd_gamma_gamma'
  QUALIFY ROW_NUMBER() OVER (PARTITION BY fitted_on ORDER BY fitted_at DESC, run_id DESC) = 1
)

SELECT
  scores.probability_alive,
  scores.predicted_purchases_90d,
  scores.propensity_to_buy_score,
  scores.churn_risk_score,
  scores.churn_risk_pct,
  scores.churn_risk_band,
  scores.predicted_value,
  scores.fitted_on,
  fits.data_from,
  fits.customers,
  fits.repeat_buyers,
  fits.r,
  fits.alpha,
  fits.a,
  fits.b,
  fits.p,
  fits.q,
  fits.v,
  fits.medium_above,
  fits.high_above
FROM scores
LEFT JOIN fits ON scores.fitted_on = fits.fitted_on
