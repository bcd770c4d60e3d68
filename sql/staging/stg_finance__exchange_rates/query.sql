SELECT
  UPPER(TRIM(rates.currency)) AS currency,
  rates.rate_date,
  rates.rate,
  rates._loaded_date
FROM raw_finance.exchange_rates AS rates
WHERE rates._loaded_date <= @run_date
-- The raw key ends the ranking: one load may hold "usd" and "USD".
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY UPPER(TRIM(rates.currency)), rates.rate_date
  ORDER BY rates._loaded_date DESC, rates.currency ASC
) = 1
