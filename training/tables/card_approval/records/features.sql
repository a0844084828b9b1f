-- Clients of both tables. An ID that stands for several people is the oldest of them, by day of birth;
-- of those born on one day the first by all other columns, so that the order of the file decides nothing.
WITH clients AS (
    SELECT * EXCLUDE FLAG_MOBIL
    FROM application_record
    QUALIFY row_number() OVER (PARTITION BY ID ORDER BY DAYS_BIRTH, application_record) = 1
)

SELECT clients.*, TARGET
FROM clients JOIN credit_record_features USING (ID)
ORDER BY ID
