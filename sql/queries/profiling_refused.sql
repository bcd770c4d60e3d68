-- Whom nothing may be predicted about. One row per person who refuses PROFILING.
SELECT customer360_id
FROM core.int_person_opt_in
WHERE refuses_profiling
