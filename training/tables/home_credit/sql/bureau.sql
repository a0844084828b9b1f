-- Credits of other lenders, one row per client.
--
-- Point in time: a credit counts if it began on the day of the application or before, and what is said of it was
-- reported by then. DAYS_CREDIT_ENDDATE may lie ahead: the planned end of a credit is agreed when it begins.
--
-- Anomalies: the published file has ends more than a hundred years before the application and negative limits. An end
-- before the beginning is none, and a card with a negative debt or limit has no utilisation.
WITH clients AS (
    SELECT SK_ID_CURR FROM application_train
),

known AS (
    SELECT
        *,
        CREDIT_ACTIVE = 'Active' AS active,
        CREDIT_ACTIVE = 'Closed' AS closed,
        CREDIT_TYPE = 'Credit card' AS card,
        CASE WHEN DAYS_CREDIT_ENDDATE >= DAYS_CREDIT THEN DAYS_CREDIT_ENDDATE END AS planned_end,
        CASE WHEN DAYS_ENDDATE_FACT >= DAYS_CREDIT THEN DAYS_ENDDATE_FACT END AS ended,
        CREDIT_TYPE = 'Credit card' AND AMT_CREDIT_SUM_DEBT >= 0 AND AMT_CREDIT_SUM_LIMIT >= 0 AS card_with_limit
    FROM bureau
    WHERE DAYS_CREDIT <= 0 AND DAYS_CREDIT_UPDATE <= 0 AND coalesce(DAYS_ENDDATE_FACT, 0) <= 0
)

-- Every client has a row: those without rows in `known` have 0 in counts and sums, NULL in everything else.
SELECT
    SK_ID_CURR,

    -- How many, and of which kind
    count(SK_ID_BUREAU) AS bureau_count,
    count(*) FILTER (WHERE active) AS bureau_active_count,
    count(*) FILTER (WHERE closed) AS bureau_closed_count,
    count(*) FILTER (WHERE CREDIT_ACTIVE IN ('Sold', 'Bad debt')) AS bureau_bad_count,
    count(*) FILTER (WHERE card) AS bureau_card_count,
    count(*) FILTER (WHERE CREDIT_TYPE = 'Consumer credit') AS bureau_consumer_count,
    count(*) FILTER (WHERE CREDIT_TYPE = 'Mortgage') AS bureau_mortgage_count,
    count(*) FILTER (WHERE CREDIT_TYPE = 'Car loan') AS bureau_car_count,
    count(*) FILTER (WHERE CREDIT_TYPE = 'Microloan') AS bureau_microloan_count,
    count(DISTINCT CREDIT_TYPE) AS bureau_type_count,
    ratio(count(*) FILTER (WHERE active), count(SK_ID_BUREAU)) AS bureau_active_share,
    ratio(count(*) FILTER (WHERE card), count(SK_ID_BUREAU)) AS bureau_card_share,

    -- Begun within one, two and three years
    count(*) FILTER (WHERE DAYS_CREDIT >= -365) AS bureau_count_1y,
    count(*) FILTER (WHERE DAYS_CREDIT >= -730) AS bureau_count_2y,
    count(*) FILTER (WHERE DAYS_CREDIT >= -1095) AS bureau_count_3y,
    count(*) FILTER (WHERE active AND DAYS_CREDIT >= -365) AS bureau_active_count_1y,
    count(*) FILTER (WHERE active AND DAYS_CREDIT >= -730) AS bureau_active_count_2y,
    count(*) FILTER (WHERE active AND DAYS_CREDIT >= -1095) AS bureau_active_count_3y,
    amount_sum(AMT_CREDIT_SUM, DAYS_CREDIT >= -365) AS bureau_credit_sum_1y,
    amount_sum(AMT_CREDIT_SUM, DAYS_CREDIT >= -730) AS bureau_credit_sum_2y,
    amount_sum(AMT_CREDIT_SUM, DAYS_CREDIT >= -1095) AS bureau_credit_sum_3y,
    amount_sum(AMT_CREDIT_SUM_DEBT, DAYS_CREDIT >= -365) AS bureau_debt_sum_1y,
    amount_sum(AMT_CREDIT_SUM_DEBT, DAYS_CREDIT >= -730) AS bureau_debt_sum_2y,
    amount_sum(AMT_CREDIT_SUM_DEBT, DAYS_CREDIT >= -1095) AS bureau_debt_sum_3y,

    -- Ages and ends, in days
    0 - max(DAYS_CREDIT) AS bureau_newest_days,
    0 - min(DAYS_CREDIT) AS bureau_oldest_days,
    whole_mean(-DAYS_CREDIT) AS bureau_age_days_mean,
    whole_deviation(DAYS_CREDIT) AS bureau_age_days_deviation,
    max(planned_end) FILTER (WHERE active) AS bureau_active_end_days_max,
    whole_mean(planned_end, active) AS bureau_active_end_days_mean,
    0 - max(ended) AS bureau_last_closed_days,
    whole_mean(planned_end - ended) AS bureau_early_days_mean,
    whole_mean(-DAYS_CREDIT_UPDATE) AS bureau_update_days_mean,

    -- Amounts
    amount_sum(AMT_CREDIT_SUM) AS bureau_credit_sum,
    amount_mean(AMT_CREDIT_SUM) AS bureau_credit_mean,
    max(AMT_CREDIT_SUM) AS bureau_credit_max,
    amount_sum(AMT_CREDIT_SUM, active) AS bureau_active_credit_sum,
    amount_sum(AMT_CREDIT_SUM_DEBT) AS bureau_debt_sum,
    amount_sum(AMT_CREDIT_SUM_DEBT, active) AS bureau_active_debt_sum,
    max(AMT_CREDIT_SUM_DEBT) AS bureau_debt_max,
    ratio(amount_sum(AMT_CREDIT_SUM_DEBT, active), amount_sum(AMT_CREDIT_SUM, active)) AS bureau_active_debt_share,
    amount_sum(AMT_CREDIT_SUM_LIMIT) AS bureau_limit_sum,
    ratio(
        amount_sum(AMT_CREDIT_SUM_DEBT, active AND card_with_limit),
        amount_sum(AMT_CREDIT_SUM_DEBT + AMT_CREDIT_SUM_LIMIT, active AND card_with_limit)
    ) AS bureau_card_utilisation,
    amount_sum(AMT_ANNUITY, active) AS bureau_active_annuity_sum,

    -- Delays
    amount_sum(AMT_CREDIT_SUM_OVERDUE) AS bureau_overdue_sum,
    count(*) FILTER (WHERE CREDIT_DAY_OVERDUE > 0) AS bureau_overdue_count,
    max(CREDIT_DAY_OVERDUE) AS bureau_overdue_days_max,
    max(AMT_CREDIT_MAX_OVERDUE) AS bureau_worst_overdue_max,
    amount_mean(AMT_CREDIT_MAX_OVERDUE) AS bureau_worst_overdue_mean,
    count(*) FILTER (WHERE AMT_CREDIT_MAX_OVERDUE > 0) AS bureau_ever_overdue_count,
    sum(coalesce(CNT_CREDIT_PROLONG, 0)) AS bureau_prolonged_sum
FROM clients LEFT JOIN known USING (SK_ID_CURR)
GROUP BY SK_ID_CURR
