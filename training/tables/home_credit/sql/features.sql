-- The applications with their history, one row each, ordered by client.
--
-- The application's columns stay as they are, DAYS_EMPLOYED with its sentinel: what is made of them is made in the
-- graph. Columns of history are single precision, as the graph takes them. Every query before this one has a row for
-- each client, with its defaults for one without rows, so nothing is filled in here.
WITH
    credits AS (SELECT SK_ID_CURR, COLUMNS(* EXCLUDE SK_ID_CURR)::FLOAT FROM bureau_features),
    balances AS (SELECT SK_ID_CURR, COLUMNS(* EXCLUDE SK_ID_CURR)::FLOAT FROM bureau_balance_features),
    previous AS (SELECT SK_ID_CURR, COLUMNS(* EXCLUDE SK_ID_CURR)::FLOAT FROM previous_application_features),
    loans AS (SELECT SK_ID_CURR, COLUMNS(* EXCLUDE SK_ID_CURR)::FLOAT FROM POS_CASH_balance_features),
    cards AS (SELECT SK_ID_CURR, COLUMNS(* EXCLUDE SK_ID_CURR)::FLOAT FROM credit_card_balance_features),
    payments AS (SELECT SK_ID_CURR, COLUMNS(* EXCLUDE SK_ID_CURR)::FLOAT FROM installments_payments_features)
SELECT *
FROM application_train
JOIN credits USING (SK_ID_CURR)
JOIN balances USING (SK_ID_CURR)
JOIN previous USING (SK_ID_CURR)
JOIN loans USING (SK_ID_CURR)
JOIN cards USING (SK_ID_CURR)
JOIN payments USING (SK_ID_CURR)
ORDER BY SK_ID_CURR
