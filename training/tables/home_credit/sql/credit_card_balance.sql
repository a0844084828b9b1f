-- Months of credit cards at this lender, one row per client.
--
-- Point in time: months up to that of the application, 0.
WITH clients AS (
    SELECT SK_ID_CURR FROM application_train
),

known AS (
    SELECT *, ratio(AMT_BALANCE, AMT_CREDIT_LIMIT_ACTUAL) AS utilisation
    FROM credit_card_balance
    WHERE MONTHS_BALANCE <= 0
)

-- Every client has a row: those without rows in `known` have 0 in counts and sums, NULL in everything else.
SELECT
    SK_ID_CURR,

    -- All months
    count(SK_ID_PREV) AS card_months_count,
    count(DISTINCT SK_ID_PREV) AS card_cards_count,
    count(*) FILTER (WHERE NAME_CONTRACT_STATUS = 'Active') AS card_active_months_count,
    0 - max(MONTHS_BALANCE) AS card_newest_months,
    0 - min(MONTHS_BALANCE) AS card_oldest_months,
    count(*) FILTER (WHERE AMT_BALANCE > 0) AS card_used_months_count,
    ratio(count(*) FILTER (WHERE AMT_BALANCE > 0), count(SK_ID_PREV)) AS card_used_share,

    -- Balance and limit
    max(AMT_CREDIT_LIMIT_ACTUAL) AS card_limit_max,
    amount_mean(AMT_CREDIT_LIMIT_ACTUAL) AS card_limit_mean,
    max(AMT_BALANCE) AS card_balance_max,
    amount_mean(AMT_BALANCE) AS card_balance_mean,
    amount_mean(AMT_BALANCE, MONTHS_BALANCE >= -12) AS card_balance_mean_1y,
    amount_mean(AMT_BALANCE, MONTHS_BALANCE >= -24) AS card_balance_mean_2y,
    amount_mean(AMT_BALANCE, MONTHS_BALANCE >= -36) AS card_balance_mean_3y,
    max(utilisation) AS card_utilisation_max,
    share_mean(utilisation) AS card_utilisation_mean,
    share_mean(utilisation, MONTHS_BALANCE >= -12) AS card_utilisation_mean_1y,
    share_mean(utilisation, MONTHS_BALANCE >= -24) AS card_utilisation_mean_2y,
    share_mean(utilisation, MONTHS_BALANCE >= -36) AS card_utilisation_mean_3y,
    ratio(
        share_mean(utilisation, MONTHS_BALANCE >= -6), share_mean(utilisation, MONTHS_BALANCE >= -24)
    ) AS card_utilisation_trend,
    count(*) FILTER (WHERE utilisation > 0.9) AS card_near_limit_count,

    -- Drawings and payments
    amount_sum(AMT_DRAWINGS_CURRENT) AS card_drawings_sum,
    amount_sum(AMT_DRAWINGS_CURRENT, MONTHS_BALANCE >= -12) AS card_drawings_sum_1y,
    amount_sum(AMT_DRAWINGS_CURRENT, MONTHS_BALANCE >= -24) AS card_drawings_sum_2y,
    amount_sum(AMT_DRAWINGS_CURRENT, MONTHS_BALANCE >= -36) AS card_drawings_sum_3y,
    ratio(amount_sum(AMT_DRAWINGS_ATM_CURRENT), amount_sum(AMT_DRAWINGS_CURRENT)) AS card_cash_share,
    sum(coalesce(CNT_DRAWINGS_CURRENT, 0)) AS card_drawings_count,
    amount_sum(AMT_PAYMENT_TOTAL_CURRENT) AS card_payments_sum,
    amount_sum(AMT_PAYMENT_TOTAL_CURRENT, MONTHS_BALANCE >= -12) AS card_payments_sum_1y,
    ratio(
        amount_sum(AMT_PAYMENT_TOTAL_CURRENT, AMT_INST_MIN_REGULARITY > 0),
        amount_sum(AMT_INST_MIN_REGULARITY)
    ) AS card_paid_to_minimum,
    count(*) FILTER (
        WHERE AMT_PAYMENT_TOTAL_CURRENT < AMT_INST_MIN_REGULARITY
    ) AS card_below_minimum_count,

    -- Delays
    count(*) FILTER (WHERE SK_DPD > 0) AS card_late_count,
    count(*) FILTER (WHERE SK_DPD > 0 AND MONTHS_BALANCE >= -12) AS card_late_count_1y,
    count(*) FILTER (WHERE SK_DPD > 0 AND MONTHS_BALANCE >= -24) AS card_late_count_2y,
    count(*) FILTER (WHERE SK_DPD > 0 AND MONTHS_BALANCE >= -36) AS card_late_count_3y,
    ratio(count(*) FILTER (WHERE SK_DPD > 0), count(SK_ID_PREV)) AS card_late_share,
    max(SK_DPD) AS card_late_days_max,
    max(SK_DPD_DEF) AS card_late_days_above_tolerance_max,
    0 - max(MONTHS_BALANCE) FILTER (WHERE SK_DPD > 0) AS card_last_late_months
FROM clients LEFT JOIN known USING (SK_ID_CURR)
GROUP BY SK_ID_CURR
