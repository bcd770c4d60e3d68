-- Chance: every random number is a hash of (seed, salt, number), so the same arguments give the same shop.
-- Salts are hashed apart and mixed again: hash(a, b) of one call would leave two salts of one number correlated.
CREATE MACRO rnd(number, salt) AS
  (hash(xor(hash(number::BIGINT), hash(salt || getvariable('seed')::VARCHAR))) >> 11)::DOUBLE / 9007199254740992;
CREATE MACRO one_of(choices, number, salt) AS choices[1 + floor(rnd(number, salt) * len(choices))::INTEGER];
-- A share of `total` that is never more than about `rows` rows: for the few rows that are dated after the run date.
CREATE MACRO every(total, rows, least_step) AS greatest(least_step, total // rows);
CREATE MACRO money(cents) AS (cents::DECIMAL(18, 0) * 0.01::DECIMAL(3, 2))::VARCHAR;
CREATE MACRO seconds_of_day(number, salt) AS
  25200 + floor(28800 * (rnd(number, salt) + rnd(number, salt || ' again')))::INTEGER;

SET VARIABLE first_day = getvariable('until') - getvariable('days') + 1;
-- Exports are one file a month, then, after this day, one a day.
SET VARIABLE history_day = getvariable('until') - getvariable('daily_files');
CREATE MACRO export_day_of(day, later) AS
  CASE
    WHEN later THEN getvariable('until')
    WHEN day > getvariable('history_day') THEN day
    ELSE least(last_day(day), getvariable('history_day'))
  END::DATE;
-- Rows changed in the last days are clean: a day's load of a small shop has too few rows to bear one refused row.
SET VARIABLE clean_from = least(getvariable('until') - 6, getvariable('history_day'));

-- Seasons: a day takes as many slots as it is busy; an activity draws a slot. Fridays, Saturdays and December are busy.
CREATE TABLE calendar AS
WITH days AS (
  SELECT (getvariable('first_day') + n::INTEGER)::DATE AS day
  FROM range(getvariable('days')) AS t (n)
),

busy AS (
  SELECT
    day,
    round(
      20 * [0.80, 0.90, 0.85, 0.90, 1.00, 1.20, 1.35][1 + dayofweek(day)]
      * CASE month(day) WHEN 12 THEN 2.0 WHEN 11 THEN 1.5 WHEN 1 THEN 0.8 WHEN 7 THEN 0.85 ELSE 1.0 END
    )::BIGINT AS slots,
  FROM days
)

SELECT day, slots, (sum(slots) OVER (ORDER BY day) - slots)::BIGINT AS first_slot
FROM busy;

CREATE TABLE slot AS
SELECT first_slot + n AS slot, day
FROM calendar, unnest(range(slots)) AS t (n);
