-- The applications with their history, one row each, ordered by client.
--
-- The application's columns stay as they are, DAYS_EMPLOYED with its sentinel: what is made of them is made in the
-- graph. Columns of history are single precision, as the graph takes them. Every query before this one has a row for
-- each client, with its defaults for one without rows, so nothing is filled in here.
SELECT
    application_train.*,
    COLUMNS(bureau_features.* EXCLUDE SK_ID_CURR)::FLOAT,
    COLUMNS(bureau_balance_features.* EXCLUDE SK_ID_CURR)::FLOAT,
    COLUMNS(previous_application_features.* EXCLUDE SK_ID_CURR)::FLOAT,
    COLUMNS(POS_CASH_balance_features.* EXCLUDE SK_ID_CURR)::FLOAT,
    COLUMNS(credit_card_balance_features.* EXCLUDE SK_ID_CURR)::FLOAT,
    COLUMNS(installments_payments_features.* EXCLUDE SK_ID_CURR)::FLOAT
FROM application_train
JOIN bureau_features USING (SK_ID_CURR)
JOIN bureau_balance_features USING (SK_ID_CURR)
JOIN previous_application_features USING (SK_ID_CURR)
JOIN POS_CASH_balance_features USING (SK_ID_CURR)
JOIN credit_card_balance_features USING (SK_ID_CURR)
JOIN installments_payments_features USING (SK_ID_CURR)
ORDER BY SK_ID_CURR
