-- The shop: products, purchases (one row per transaction) and their lines, typed; the views below say them as written.
CREATE TABLE product AS
WITH numbered AS (
  SELECT
    n AS product,
    n % 8 AS category_no,
    one_of(['Classic', 'Light', 'Pro', 'Mini', 'Éco', 'Urban', 'Nordic', 'Grand'], n, 'line') AS line,
    one_of(['Aster', 'Boreal', 'Cima', 'Dünne', 'Étoile', 'Fjord', 'Gala', 'Hōsei', 'Iris', 'Jota', NULL], n, 'brand')
      AS brand,
  FROM range(1, greatest(120, least(5000, getvariable('customers') // 25)) + 1) AS t (n)
)

SELECT
  product,
  'P' || lpad(product::VARCHAR, 5, '0') AS sku,
  concat_ws(
    ' ', line, ['lamp', 'jacket', 'headphones', 'novel', 'pan', 'serum', 'tent', 'puzzle'][1 + category_no], product
  ) AS title,
  ['Home', 'Fashion', 'Electronics', 'Books', 'Kitchen', 'Beauty', 'Outdoor', 'Toys & Games'][1 + category_no]
    AS category,
  brand,
  [39, 69, 89, 12, 29, 19, 119, 16][1 + category_no] * 100
  * (1 + floor(4 * pow(rnd(product, 'price'), 3))::BIGINT) + floor(900 * rnd(product, 'cents'))::BIGINT AS price_cents,
  (getvariable('until') - floor(rnd(product, 'launched') * 2500)::INTEGER)::DATE AS launched_on,
  product % 500 = 100 AS dirty,
  CASE WHEN dirty AND product // 500 % 2 = 1 THEN 'missing_key' END AS refused,
  CASE WHEN product % 500 = 150 THEN ['launch_date', 'price'][1 + product // 500 % 2] END AS bad_cell,
  CASE WHEN dirty AND product // 500 % 2 = 0 THEN 1 ELSE 0 END AS repeats,
FROM numbered
ORDER BY product;

SET VARIABLE products = (SELECT count(*) FROM product);

CREATE VIEW commerce_products AS
SELECT
  CASE WHEN product.refused IS NULL THEN sku END AS sku,
  title,
  category,
  brand,
  CASE WHEN bad_cell = 'price' THEN 'on request' ELSE money(price_cents) END AS list_price,
  CASE WHEN bad_cell = 'launch_date' THEN 'soon' ELSE launched_on::VARCHAR END AS launched_on,
  100 + 10 * (product % 70) AS weight_g,
  CASE WHEN copy > 0 THEN 'repeated_key' ELSE product.refused END AS refused,
  bad_cell,
FROM product, unnest(range(1 + repeats)) AS t (copy)
ORDER BY product, copy;

-- Transactions are numbered in the order they were placed. All lines of one share its updated_at: a change of one line
-- delivers the transaction whole.
CREATE TABLE purchase AS
WITH drawn AS (
  SELECT person, person * 1000 + n AS draw, first_slot + floor(rnd(draw, 'day') * slots)::BIGINT AS slot
  FROM person, unnest(range(orders)) AS t (n)
),

placed AS (
  SELECT
    row_number() OVER (ORDER BY day, seconds_of_day(draw, 'time'), draw) AS transaction,
    count(*) OVER () AS transactions,
    draw,
    person,
    day::TIMESTAMP + to_seconds(seconds_of_day(draw, 'time')) AS placed_at,
  FROM drawn INNER JOIN slot USING (slot)
),

-- A few pre-orders are dated after the last day, though they are written before it.
dated AS (
  SELECT
    transaction,
    draw,
    person,
    transaction % every(transactions, 20, 250) = 249 AS later,
    CASE
      WHEN later THEN getvariable('until')::TIMESTAMP + to_seconds(86400 * (1 + transaction % 20) + transaction % 80000)
      ELSE placed_at
    END AS placed_at,
    placed_at::DATE > getvariable('until') - 9 AS fresh,
    rnd(draw, 'fate') AS fate,
    1 + least(11, floor(ln(1 - rnd(draw, 'lines')) / -0.5108))::INTEGER AS lines,
  FROM placed
),

fated AS (
  SELECT
    *,
    CASE
      WHEN later THEN ['delivered', 'confirmed'][1 + (fate * 2)::INTEGER % 2]
      WHEN fresh AND fate < 0.6 THEN ['pending', 'confirmed', 'shipped'][1 + floor(fate * 5)::INTEGER]
      WHEN fate > 0.975 THEN 'refunded'
      WHEN fate > 0.945 THEN 'cancelled'
      WHEN fate > 0.940 THEN 'pending'
      WHEN fate > 0.935 THEN NULL
      ELSE 'delivered'
    END AS status,
    placed_at + to_seconds(86400 * (3 + floor(rnd(draw, 'return') * 1100))::BIGINT) AS returned_at,
    coalesce(status = 'delivered', FALSE) AND NOT later AND returned_at < placed_at + INTERVAL 25 DAY
      AND returned_at::DATE <= getvariable('until') AS has_return,
    has_return AND rnd(draw, 'own slip') < 0.5 AS return_apart,  -- a transaction of its own, of negative lines only
    coalesce(status = 'delivered', FALSE) AND NOT later AND lines > 1 AND rnd(draw, 'one back') < 0.02
      AS second_refunded,
    rnd(draw, 'late') < 0.006 AS late,
  FROM dated
),

updated AS (
  SELECT
    *,
    least(
      getvariable('until')::TIMESTAMP + to_seconds(86399),
      CASE
        WHEN later THEN getvariable('until')::TIMESTAMP - to_seconds(86400 * (transaction % 5) + transaction % 40000)
        WHEN has_return AND NOT return_apart THEN returned_at + INTERVAL 1 HOUR
        WHEN late THEN placed_at + to_seconds(86400 * (30 + floor(rnd(draw, 'how late') * 170))::BIGINT)
        WHEN second_refunded OR status = 'refunded'
          THEN placed_at + to_seconds(floor(86400 * (5 + 30 * rnd(draw, 'back')))::BIGINT)
        ELSE placed_at + to_seconds(floor(86400 * 3.5 * rnd(draw, 'handled'))::BIGINT)
      END
    ) AS updated_at,
    updated_at::DATE < getvariable('clean_from') AND NOT later AS may_be_dirty,
  FROM fated
)

SELECT
  updated.* EXCLUDE (fate, late, may_be_dirty, fresh),
  'T' || lpad(transaction::VARCHAR, 9, '0') AS transaction_id,
  CASE WHEN rnd(draw, 'guest') >= 0.08 THEN used_account(account, second_account, draw, 'account') END AS customer_no,
  favourite_category,
  CASE WHEN rnd(draw, 'promotion') < 0.15 THEN 5 * (1 + floor(rnd(draw, 'percent') * 4))::BIGINT ELSE 0 END
    AS percent_off,
  one_of(['store', 'web', 'web', 'app'], draw, 'channel') AS channel,
  CASE
    WHEN may_be_dirty AND transaction % 200 = 40
      THEN ['repeated_key', 'unparsable_amount', 'unparsable_quantity', 'unparsable_time', 'missing_key'][
        1 + transaction // 200 % 5
      ]
  END AS dirt,
  CASE
    WHEN may_be_dirty AND transaction % 200 = 140
      THEN ['order_status', 'discount_amount'][1 + transaction // 200 % 2]
  END AS bad_cell,
  CASE WHEN dirt = 'repeated_key' THEN 1 + (transaction // 200 % 20 = 10)::INTEGER ELSE 0 END AS repeats,
FROM updated INNER JOIN person USING (person)
ORDER BY transaction;

CREATE TABLE line AS
WITH rowed AS (  -- the lines, then what came back, then what the till sent twice
  SELECT
    purchase.*,
    n AS position,
    CASE WHEN n <= lines THEN 'line' WHEN has_return AND n = lines + 1 THEN 'return' ELSE 'repeat' END AS kind,
    CASE WHEN kind <> 'line' OR rnd(draw * 64 + n, 'same again') < 0.02 THEN 1 ELSE n END AS like_line,
    draw * 64 + like_line AS line_draw,
  FROM purchase, unnest(range(1, 1 + lines + has_return::INTEGER + repeats)) AS t (n)
),

chosen AS (
  SELECT
    *,
    getvariable('products') AS products,
    CASE
      WHEN rnd(line_draw, 'to taste') < 0.5
        THEN favourite_category + 8 * floor(products // 8 * pow(rnd(line_draw, 'product'), 2))::BIGINT
      ELSE floor(products * pow(rnd(line_draw, 'product'), 2))::BIGINT
    END + 1 AS product,
    (1 + floor(pow(rnd(line_draw, 'quantity'), 8) * 12)) * CASE WHEN kind = 'return' THEN -1 ELSE 1 END AS units,
    kind = 'line' AND like_line > 1 AND rnd(line_draw, 'gift') < 0.012 AS gift,
  FROM rowed
)

SELECT
  transaction,
  CASE WHEN kind = 'return' AND return_apart THEN transaction_id || 'R' ELSE transaction_id END AS transaction_id,
  CASE
    WHEN kind = 'repeat' OR (kind = 'return' AND return_apart) THEN 1
    ELSE position
  END AS line_number,
  customer_no,
  person,
  sku,
  CASE WHEN kind = 'return' THEN returned_at ELSE placed_at END AS ordered_at,
  CASE WHEN kind = 'return' THEN greatest(returned_at, updated_at) ELSE updated_at END AS updated_at,
  (units * CASE WHEN kind = 'repeat' AND transaction // 200 % 2 = 0 THEN 2 ELSE 1 END)::BIGINT AS quantity,
  CASE
    WHEN gift THEN 0
    ELSE ((price_cents * abs(quantity) * (100 - percent_off) + 50) // 100) * sign(quantity)
  END::BIGINT AS cents,
  CASE WHEN gift THEN 0 ELSE price_cents * quantity - cents END::BIGINT AS discount_cents,
  percent_off,
  channel,
  CASE WHEN second_refunded AND kind = 'line' AND position = 2 THEN 'refunded' ELSE status END AS status,
  CASE WHEN kind = 'repeat' THEN 'repeated_key' WHEN position = 1 AND dirt <> 'repeated_key' THEN dirt END AS refused,
  CASE WHEN position = 1 THEN purchase.bad_cell END AS bad_cell,
FROM chosen AS purchase INNER JOIN product USING (product)
ORDER BY transaction, position;

CREATE VIEW commerce_order_lines AS
SELECT
  CASE WHEN refused = 'missing_key' AND transaction % 2000 >= 1000 THEN NULL ELSE transaction_id END AS transaction_id,
  CASE WHEN refused = 'missing_key' AND transaction % 2000 < 1000 THEN NULL ELSE line_number END AS line_number,
  customer_no,
  sku,
  CASE
    WHEN refused = 'unparsable_time'
      THEN ['yesterday', '2023-13-45 25:61:00', '31.12.2023 / noon'][1 + transaction // 1000 % 3]
    ELSE strftime(ordered_at, '%Y-%m-%d %H:%M:%S')
  END AS ordered_at,
  CASE
    WHEN refused = 'unparsable_quantity' THEN ['two', '1.5', 'n/a'][1 + transaction // 1000 % 3]
    ELSE quantity::VARCHAR
  END AS qty,
  CASE
    WHEN refused = 'unparsable_amount' THEN ['free', '12,90', '€ 9.90'][1 + transaction // 1000 % 3]
    ELSE money(cents)
  END AS line_amount,
  CASE channel WHEN 'store' THEN 'S' || lpad((1 + person % 12)::VARCHAR, 2, '0') WHEN 'web' THEN 'ONLINE' END AS shop,
  CASE WHEN transaction % 50 = 7 THEN NULL ELSE 'EUR' END AS currency,
  CASE WHEN bad_cell = 'order_status' THEN ['teleported', 'on hold'][1 + transaction // 400 % 2] ELSE status END
    AS status,
  CASE WHEN bad_cell = 'discount_amount' THEN 'ten percent' WHEN percent_off > 0 THEN money(discount_cents) END
    AS discount,
  CASE WHEN percent_off > 0 THEN 'SAVE' || percent_off END AS promo_code,
  channel AS sales_channel,
  money(cents * 19 // 119) AS tax,
  CASE WHEN line_number = 1 AND channel <> 'store' AND cents BETWEEN 1 AND 4999 THEN '4.90' ELSE '0.00' END AS shipping,
  strftime(updated_at, '%Y-%m-%d %H:%M:%S') AS updated_at,
  refused,
  bad_cell,
FROM line;
