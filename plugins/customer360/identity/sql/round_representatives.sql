-- One row per node that still has an edge: the first of its neighbours and itself in this round's order.
WITH neighbours AS (
  SELECT
    u AS node,
    v AS neighbour
  FROM scratch.remaining
  UNION ALL
  SELECT
    v AS node,
    u AS neighbour
  FROM scratch.remaining
),

firsts AS (
  SELECT
    node,
    ANY_VALUE(neighbour HAVING MIN MOD(neighbour * @multiplier + @increment, @prime)) AS neighbour
  FROM neighbours
  GROUP BY node
)

SELECT
  node,
  IF(
    MOD(neighbour * @multiplier + @increment, @prime) < MOD(node * @multiplier + @increment, @prime), neighbour, node
  ) AS representative
FROM firsts
