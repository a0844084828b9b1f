-- Earlier applications at this lender, one row per client.
--
-- Point in time: applications that were decided on the day of the application or before. The day of the last
-- instalment as first planned may lie ahead: the plan was signed with the loan. Any other date that lies ahead, and
-- 365243, which stands for a date that has not come, is none.
WITH clients AS (
    SELECT SK_ID_CURR FROM application_train
),

known AS (
    SELECT
        *,
        NAME_CONTRACT_STATUS = 'Approved' AS approved,
        NAME_CONTRACT_STATUS = 'Refused' AS refused,
        NAME_CONTRACT_STATUS = 'Canceled' AS canceled,
        nullif(AMT_APPLICATION, 0) AS asked,
        nullif(DAYS_LAST_DUE_1ST_VERSION, 365243) AS planned_end,
        CASE WHEN DAYS_FIRST_DRAWING <= 0 THEN DAYS_FIRST_DRAWING END AS first_drawing,
        CASE WHEN DAYS_FIRST_DUE <= 0 THEN DAYS_FIRST_DUE END AS first_due,
        CASE WHEN DAYS_LAST_DUE <= 0 THEN DAYS_LAST_DUE END AS last_due,
        CASE WHEN DAYS_TERMINATION <= 0 THEN DAYS_TERMINATION END AS termination
    FROM previous_application
    WHERE DAYS_DECISION <= 0
)

-- Every client has a row: those without rows in `known` have 0 in counts and sums, NULL in everything else.
SELECT
    SK_ID_CURR,

    -- How many, and how they were decided
    count(SK_ID_PREV) AS previous_count,
    count(*) FILTER (WHERE approved) AS previous_approved_count,
    count(*) FILTER (WHERE refused) AS previous_refused_count,
    count(*) FILTER (WHERE canceled) AS previous_canceled_count,
    count(*) FILTER (WHERE NAME_CONTRACT_STATUS = 'Unused offer') AS previous_unused_count,
    ratio(count(*) FILTER (WHERE approved), count(SK_ID_PREV)) AS previous_approved_share,
    ratio(count(*) FILTER (WHERE refused), count(SK_ID_PREV)) AS previous_refused_share,
    count(*) FILTER (WHERE CODE_REJECT_REASON IN ('SCO', 'SCOFR')) AS previous_refused_by_score_count,
    count(*) FILTER (WHERE CODE_REJECT_REASON = 'LIMIT') AS previous_refused_by_limit_count,
    count(*) FILTER (WHERE CODE_REJECT_REASON = 'HC') AS previous_refused_by_policy_count,
    arg_max(refused::INTEGER, (DAYS_DECISION, SK_ID_PREV)) AS previous_newest_refused,

    -- Of which kind
    count(*) FILTER (WHERE NAME_CONTRACT_TYPE = 'Cash loans') AS previous_cash_count,
    count(*) FILTER (WHERE NAME_CONTRACT_TYPE = 'Consumer loans') AS previous_consumer_count,
    count(*) FILTER (WHERE NAME_CONTRACT_TYPE = 'Revolving loans') AS previous_card_count,
    count(*) FILTER (WHERE NAME_YIELD_GROUP = 'high') AS previous_high_yield_count,
    count(*) FILTER (WHERE NAME_CLIENT_TYPE = 'New') AS previous_new_client_count,
    count(*) FILTER (WHERE NAME_PRODUCT_TYPE = 'walk-in') AS previous_walk_in_count,

    -- Decided within one, two and three years
    count(*) FILTER (WHERE DAYS_DECISION >= -365) AS previous_count_1y,
    count(*) FILTER (WHERE DAYS_DECISION >= -730) AS previous_count_2y,
    count(*) FILTER (WHERE DAYS_DECISION >= -1095) AS previous_count_3y,
    count(*) FILTER (WHERE refused AND DAYS_DECISION >= -365) AS previous_refused_count_1y,
    count(*) FILTER (WHERE refused AND DAYS_DECISION >= -730) AS previous_refused_count_2y,
    count(*) FILTER (WHERE refused AND DAYS_DECISION >= -1095) AS previous_refused_count_3y,
    amount_sum(AMT_CREDIT, approved AND DAYS_DECISION >= -365) AS previous_credit_sum_1y,
    amount_sum(AMT_CREDIT, approved AND DAYS_DECISION >= -730) AS previous_credit_sum_2y,
    amount_sum(AMT_CREDIT, approved AND DAYS_DECISION >= -1095) AS previous_credit_sum_3y,

    -- Days before the application
    0 - max(DAYS_DECISION) AS previous_newest_days,
    0 - min(DAYS_DECISION) AS previous_oldest_days,
    whole_mean(-DAYS_DECISION) AS previous_age_days_mean,
    0 - max(DAYS_DECISION) FILTER (WHERE approved) AS previous_newest_approved_days,
    0 - max(DAYS_DECISION) FILTER (WHERE refused) AS previous_newest_refused_days,
    0 - max(first_drawing) AS previous_last_drawing_days,
    0 - min(first_due) AS previous_first_due_days,
    0 - max(last_due) AS previous_last_due_days,
    0 - max(termination) AS previous_last_termination_days,
    max(planned_end) AS previous_planned_end_days_max,
    count(*) FILTER (WHERE planned_end > 0) AS previous_running_count,
    whole_mean(planned_end - last_due) AS previous_early_days_mean,

    -- Amounts and terms
    amount_sum(AMT_CREDIT, approved) AS previous_approved_credit_sum,
    amount_mean(AMT_CREDIT, approved) AS previous_approved_credit_mean,
    max(AMT_CREDIT) FILTER (WHERE approved) AS previous_approved_credit_max,
    amount_mean(asked) AS previous_asked_mean,
    amount_mean(asked, refused) AS previous_refused_asked_mean,
    ratio(amount_sum(AMT_CREDIT, asked > 0), amount_sum(asked, AMT_CREDIT IS NOT NULL)) AS previous_granted_share,
    amount_mean(AMT_ANNUITY, approved) AS previous_approved_annuity_mean,
    max(AMT_ANNUITY) FILTER (WHERE approved) AS previous_approved_annuity_max,
    amount_sum(AMT_ANNUITY, planned_end > 0) AS previous_running_annuity_sum,
    share_mean(RATE_DOWN_PAYMENT) AS previous_down_payment_share_mean,
    whole_mean(CNT_PAYMENT, approved) AS previous_approved_term_mean,
    share_mean(NFLAG_INSURED_ON_APPROVAL) AS previous_insured_share
FROM clients LEFT JOIN known USING (SK_ID_CURR)
GROUP BY SK_ID_CURR
