-- Instalments due at this lender and their payments, one row per client.
--
-- Point in time: instalments due by the day of the application, with payments made by then. One without a day of
-- payment had not been paid when the table was taken: that is known at the application too. Days late are positive.
WITH clients AS (
    SELECT SK_ID_CURR FROM application_train
),

known AS (
    SELECT
        *,
        DAYS_ENTRY_PAYMENT - DAYS_INSTALMENT AS delay,
        DAYS_ENTRY_PAYMENT > DAYS_INSTALMENT AS late,
        AMT_INSTALMENT - AMT_PAYMENT > 0.005 AS short
    FROM installments_payments
    WHERE DAYS_INSTALMENT <= 0 AND coalesce(DAYS_ENTRY_PAYMENT, 0) <= 0
)

-- Every client has a row: those without rows in `known` have 0 in counts and sums, NULL in everything else.
SELECT
    SK_ID_CURR,

    -- All payments
    count(SK_ID_PREV) AS installments_count,
    count(DISTINCT SK_ID_PREV) AS installments_loans_count,
    count(*) FILTER (WHERE SK_ID_PREV IS NOT NULL AND DAYS_ENTRY_PAYMENT IS NULL) AS installments_unpaid_count,
    max(NUM_INSTALMENT_NUMBER) AS installments_number_max,
    max(NUM_INSTALMENT_VERSION) AS installments_version_max,
    0 - max(DAYS_INSTALMENT) AS installments_newest_days,
    0 - min(DAYS_INSTALMENT) AS installments_oldest_days,
    0 - max(DAYS_ENTRY_PAYMENT) AS installments_last_payment_days,

    -- Delays
    count(*) FILTER (WHERE late) AS installments_late_count,
    count(*) FILTER (WHERE delay > 30) AS installments_very_late_count,
    ratio(count(*) FILTER (WHERE late), count(delay)) AS installments_late_share,
    max(delay) AS installments_delay_max,
    whole_mean(delay) AS installments_delay_mean,
    whole_deviation(delay) AS installments_delay_deviation,
    whole_mean(delay, late) AS installments_late_delay_mean,
    0 - max(DAYS_INSTALMENT) FILTER (WHERE late) AS installments_last_late_days,

    -- Amounts
    amount_sum(AMT_INSTALMENT) AS installments_due_sum,
    amount_sum(AMT_PAYMENT) AS installments_paid_sum,
    amount_mean(AMT_INSTALMENT) AS installments_due_mean,
    max(AMT_INSTALMENT) AS installments_due_max,
    count(*) FILTER (WHERE short) AS installments_short_count,
    ratio(count(*) FILTER (WHERE short), count(AMT_PAYMENT)) AS installments_short_share,
    amount_sum(AMT_INSTALMENT - AMT_PAYMENT, short) AS installments_short_sum,

    -- Due within one, two and three years
    count(*) FILTER (WHERE DAYS_INSTALMENT >= -365) AS installments_count_1y,
    count(*) FILTER (WHERE DAYS_INSTALMENT >= -730) AS installments_count_2y,
    count(*) FILTER (WHERE DAYS_INSTALMENT >= -1095) AS installments_count_3y,
    ratio(
        count(*) FILTER (WHERE late AND DAYS_INSTALMENT >= -365), count(delay) FILTER (WHERE DAYS_INSTALMENT >= -365)
    ) AS installments_late_share_1y,
    ratio(
        count(*) FILTER (WHERE late AND DAYS_INSTALMENT >= -730), count(delay) FILTER (WHERE DAYS_INSTALMENT >= -730)
    ) AS installments_late_share_2y,
    ratio(
        count(*) FILTER (WHERE late AND DAYS_INSTALMENT >= -1095), count(delay) FILTER (WHERE DAYS_INSTALMENT >= -1095)
    ) AS installments_late_share_3y,
    max(delay) FILTER (WHERE DAYS_INSTALMENT >= -365) AS installments_delay_max_1y,
    max(delay) FILTER (WHERE DAYS_INSTALMENT >= -730) AS installments_delay_max_2y,
    max(delay) FILTER (WHERE DAYS_INSTALMENT >= -1095) AS installments_delay_max_3y,
    whole_mean(delay, DAYS_INSTALMENT >= -365) AS installments_delay_mean_1y,
    whole_mean(delay, DAYS_INSTALMENT >= -730) AS installments_delay_mean_2y,
    whole_mean(delay, DAYS_INSTALMENT >= -1095) AS installments_delay_mean_3y,
    amount_sum(AMT_PAYMENT, DAYS_INSTALMENT >= -365) AS installments_paid_sum_1y,
    amount_sum(AMT_PAYMENT, DAYS_INSTALMENT >= -730) AS installments_paid_sum_2y,
    amount_sum(AMT_PAYMENT, DAYS_INSTALMENT >= -1095) AS installments_paid_sum_3y,
    amount_sum(AMT_INSTALMENT - AMT_PAYMENT, short AND DAYS_INSTALMENT >= -365) AS installments_short_sum_1y,
    amount_sum(AMT_INSTALMENT - AMT_PAYMENT, short AND DAYS_INSTALMENT >= -730) AS installments_short_sum_2y,
    amount_sum(AMT_INSTALMENT - AMT_PAYMENT, short AND DAYS_INSTALMENT >= -1095) AS installments_short_sum_3y
FROM clients LEFT JOIN known USING (SK_ID_CURR)
GROUP BY SK_ID_CURR
