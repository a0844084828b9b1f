-- Months of loans at points of sale and cash loans at this lender, one row per client.
--
-- Point in time: months up to that of the application, 0.
WITH clients AS (
    SELECT SK_ID_CURR FROM application_train
),

known AS (
    SELECT
        *,
        NAME_CONTRACT_STATUS = 'Active' AS active,
        NAME_CONTRACT_STATUS = 'Completed' AS completed
    FROM POS_CASH_balance
    WHERE MONTHS_BALANCE <= 0
)

-- Every client has a row: those without rows in `known` have 0 in counts and sums, NULL in everything else.
SELECT
    SK_ID_CURR,

    -- All months
    count(SK_ID_PREV) AS pos_months_count,
    count(DISTINCT SK_ID_PREV) AS pos_loans_count,
    count(*) FILTER (WHERE active) AS pos_active_months_count,
    count(*) FILTER (WHERE completed) AS pos_completed_months_count,
    ratio(count(*) FILTER (WHERE completed), count(SK_ID_PREV)) AS pos_completed_share,
    0 - max(MONTHS_BALANCE) AS pos_newest_months,
    0 - min(MONTHS_BALANCE) AS pos_oldest_months,
    whole_mean(CNT_INSTALMENT) AS pos_term_mean,
    max(CNT_INSTALMENT) AS pos_term_max,
    whole_mean(CNT_INSTALMENT_FUTURE) AS pos_left_mean,
    max(CNT_INSTALMENT_FUTURE) FILTER (WHERE MONTHS_BALANCE >= -1) AS pos_left_now_max,
    ratio(sum(CNT_INSTALMENT_FUTURE::BIGINT), sum(CNT_INSTALMENT::BIGINT)) AS pos_left_share,

    -- Delays
    count(*) FILTER (WHERE SK_DPD > 0) AS pos_late_count,
    count(*) FILTER (WHERE SK_DPD_DEF > 0) AS pos_late_above_tolerance_count,
    ratio(count(*) FILTER (WHERE SK_DPD > 0), count(SK_ID_PREV)) AS pos_late_share,
    max(SK_DPD) AS pos_late_days_max,
    whole_mean(SK_DPD) AS pos_late_days_mean,
    max(SK_DPD_DEF) AS pos_late_days_above_tolerance_max,
    0 - max(MONTHS_BALANCE) FILTER (WHERE SK_DPD > 0) AS pos_last_late_months,

    -- The last 12, 24 and 36 months
    count(*) FILTER (WHERE MONTHS_BALANCE >= -12) AS pos_months_count_1y,
    count(*) FILTER (WHERE MONTHS_BALANCE >= -24) AS pos_months_count_2y,
    count(*) FILTER (WHERE MONTHS_BALANCE >= -36) AS pos_months_count_3y,
    count(*) FILTER (WHERE SK_DPD > 0 AND MONTHS_BALANCE >= -12) AS pos_late_count_1y,
    count(*) FILTER (WHERE SK_DPD > 0 AND MONTHS_BALANCE >= -24) AS pos_late_count_2y,
    count(*) FILTER (WHERE SK_DPD > 0 AND MONTHS_BALANCE >= -36) AS pos_late_count_3y,
    max(SK_DPD) FILTER (WHERE MONTHS_BALANCE >= -12) AS pos_late_days_max_1y,
    max(SK_DPD) FILTER (WHERE MONTHS_BALANCE >= -24) AS pos_late_days_max_2y,
    max(SK_DPD) FILTER (WHERE MONTHS_BALANCE >= -36) AS pos_late_days_max_3y,
    ratio(
        count(*) FILTER (WHERE SK_DPD > 0 AND MONTHS_BALANCE >= -12), count(*) FILTER (WHERE MONTHS_BALANCE >= -12)
    ) AS pos_late_share_1y,
    ratio(
        count(*) FILTER (WHERE SK_DPD > 0 AND MONTHS_BALANCE >= -24), count(*) FILTER (WHERE MONTHS_BALANCE >= -24)
    ) AS pos_late_share_2y,
    ratio(
        count(*) FILTER (WHERE SK_DPD > 0 AND MONTHS_BALANCE >= -36), count(*) FILTER (WHERE MONTHS_BALANCE >= -36)
    ) AS pos_late_share_3y
FROM clients LEFT JOIN known USING (SK_ID_CURR)
GROUP BY SK_ID_CURR
