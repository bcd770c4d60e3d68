SELECT
  response_type,
  sentiment
FROM UNNEST([
  STRUCT('open' AS response_type, 'positive' AS sentiment),
  STRUCT('click' AS response_type, 'positive' AS sentiment),
  STRUCT('purchase' AS response_type, 'positive' AS sentiment),
  STRUCT('redeemed' AS response_type, 'positive' AS sentiment),
  STRUCT('unsubscribe' AS response_type, 'negative' AS sentiment),
  STRUCT('complaint' AS response_type, 'negative' AS sentiment),
  STRUCT('sent' AS response_type, 'neutral' AS sentiment),
  STRUCT('delivered' AS response_type, 'neutral' AS sentiment),
  STRUCT('bounced' AS response_type, 'neutral' AS sentiment)
])
