-- Aggregates whose result does not depend on the order of rows or the number of threads, for every table's query.
-- A sum of floats depends on both, so amounts are added as whole thousandths, which is exact.

CREATE MACRO amount_sum(amount, rows := true) AS
    coalesce(sum(CAST(amount * 1000 AS BIGINT)) FILTER (WHERE rows), 0)::DOUBLE / 1000;

CREATE MACRO amount_mean(amount, rows := true) AS
    sum(CAST(amount * 1000 AS BIGINT)) FILTER (WHERE rows)::DOUBLE / count(amount) FILTER (WHERE rows) / 1000;

-- The mean of shares and quotients, to six decimals each.
CREATE MACRO share_mean(share, rows := true) AS
    sum(CAST(share * 1000000 AS BIGINT)) FILTER (WHERE rows)::DOUBLE / count(share) FILTER (WHERE rows) / 1000000;

-- The mean and the standard deviation of whole numbers, such as days.
CREATE MACRO whole_mean(value, rows := true) AS
    sum(CAST(value AS BIGINT)) FILTER (WHERE rows)::DOUBLE / count(value) FILTER (WHERE rows);

CREATE MACRO whole_deviation(value, rows := true) AS
    sqrt(greatest(
        (count(value) FILTER (WHERE rows) * sum(CAST(value AS BIGINT) * CAST(value AS BIGINT)) FILTER (WHERE rows)
         - sum(CAST(value AS BIGINT)) FILTER (WHERE rows) * sum(CAST(value AS BIGINT)) FILTER (WHERE rows)
        )::DOUBLE, 0)) / count(value) FILTER (WHERE rows);

-- None where there is nothing to divide by.
CREATE MACRO ratio(part, whole) AS part::DOUBLE / nullif(whole, 0);
