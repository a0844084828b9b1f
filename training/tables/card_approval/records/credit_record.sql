-- Whether a client was ever 90 days or more past due: 3 is 90 to 119 days, 4 is 120 to 149, 5 is more or written off.
SELECT ID, CAST(bool_or(STATUS IN ('3', '4', '5')) AS BIGINT) AS TARGET
FROM credit_record
GROUP BY ID
