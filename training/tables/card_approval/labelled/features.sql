-- One row per client already; how its author made the label is not documented.
SELECT * EXCLUDE (FLAG_MOBIL, "Default"), CAST("Default" AS BIGINT) AS TARGET
FROM application_record_with_default
ORDER BY ID
