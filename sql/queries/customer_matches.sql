-- How probable the matches in @match_ids are, by the model that found them. One row per match.
SELECT
  match_id,
  match_probability
FROM identity.identity_matches
WHERE match_id IN UNNEST(@match_ids)
