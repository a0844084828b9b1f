-- Monthly status of the credits of other lenders, one row per client.
--
-- Point in time: months up to that of the application, 0, of credits that had begun by then.
-- STATUS: 0 no delay, 1 to 5 from 1 day to more than 120 days late or written off, C closed, X unknown.
WITH clients AS (
    SELECT SK_ID_CURR FROM application_train
),

known AS (
    SELECT
        SK_ID_CURR,
        SK_ID_BUREAU,
        MONTHS_BALANCE,
        TRY_CAST(STATUS AS TINYINT) AS status,
        STATUS = 'C' AS closed,
        STATUS = 'X' AS unknown
    FROM bureau_balance JOIN bureau USING (SK_ID_BUREAU)
    WHERE MONTHS_BALANCE <= 0 AND DAYS_CREDIT <= 0
)

-- Every client has a row: those without rows in `known` have 0 in counts and sums, NULL in everything else.
SELECT
    SK_ID_CURR,

    -- All months
    count(SK_ID_BUREAU) AS balance_months_count,
    count(status) AS balance_open_months_count,
    count(*) FILTER (WHERE status > 0) AS balance_late_count,
    count(*) FILTER (WHERE status > 1) AS balance_very_late_count,
    count(*) FILTER (WHERE status = 5) AS balance_lost_count,
    sum(coalesce(status, 0)) AS balance_status_sum,
    max(status) AS balance_status_max,
    whole_mean(status) AS balance_status_mean,
    ratio(count(*) FILTER (WHERE status > 0), count(status)) AS balance_late_share,
    ratio(count(*) FILTER (WHERE closed), count(SK_ID_BUREAU)) AS balance_closed_share,
    ratio(count(*) FILTER (WHERE unknown), count(SK_ID_BUREAU)) AS balance_unknown_share,
    0 - min(MONTHS_BALANCE) AS balance_oldest_months,
    0 - max(MONTHS_BALANCE) FILTER (WHERE status > 0) AS balance_last_late_months,
    0 - max(MONTHS_BALANCE) FILTER (WHERE status > 1) AS balance_last_very_late_months,

    -- The last 12, 24 and 36 months
    count(status) FILTER (WHERE MONTHS_BALANCE > -12) AS balance_open_months_count_1y,
    count(status) FILTER (WHERE MONTHS_BALANCE > -24) AS balance_open_months_count_2y,
    count(status) FILTER (WHERE MONTHS_BALANCE > -36) AS balance_open_months_count_3y,
    count(*) FILTER (WHERE status > 0 AND MONTHS_BALANCE > -12) AS balance_late_count_1y,
    count(*) FILTER (WHERE status > 0 AND MONTHS_BALANCE > -24) AS balance_late_count_2y,
    count(*) FILTER (WHERE status > 0 AND MONTHS_BALANCE > -36) AS balance_late_count_3y,
    max(status) FILTER (WHERE MONTHS_BALANCE > -12) AS balance_status_max_1y,
    max(status) FILTER (WHERE MONTHS_BALANCE > -24) AS balance_status_max_2y,
    max(status) FILTER (WHERE MONTHS_BALANCE > -36) AS balance_status_max_3y,
    ratio(
        count(*) FILTER (WHERE status > 0 AND MONTHS_BALANCE > -12), count(status) FILTER (WHERE MONTHS_BALANCE > -12)
    ) AS balance_late_share_1y,
    ratio(
        count(*) FILTER (WHERE status > 0 AND MONTHS_BALANCE > -24), count(status) FILTER (WHERE MONTHS_BALANCE > -24)
    ) AS balance_late_share_2y,
    ratio(
        count(*) FILTER (WHERE status > 0 AND MONTHS_BALANCE > -36), count(status) FILTER (WHERE MONTHS_BALANCE > -36)
    ) AS balance_late_share_3y
FROM clients LEFT JOIN known USING (SK_ID_CURR)
GROUP BY SK_ID_CURR
