"""The same 21 aggregates of installments_payments in DuckDB and in pandas, for the benchmark.

Those of the queries' kind: counts, sums, means and extremes, over all rows and over one and two years, and a
distinct count.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd

from training.tables.build import MACROS

TABLE = "installments_payments"

# {total} and {mean} are the sum and the mean of an amount.
AGGREGATES = """
    SELECT
        SK_ID_CURR,
        count(*) AS rows,
        count(DISTINCT SK_ID_PREV) AS loans,
        max(NUM_INSTALMENT_NUMBER) AS number_max,
        max(NUM_INSTALMENT_VERSION) AS version_max,
        max(DAYS_INSTALMENT) AS newest,
        min(DAYS_INSTALMENT) AS oldest,
        avg(DAYS_ENTRY_PAYMENT - DAYS_INSTALMENT) AS delay_mean,
        max(DAYS_ENTRY_PAYMENT - DAYS_INSTALMENT) AS delay_max,
        count(*) FILTER (WHERE DAYS_ENTRY_PAYMENT > DAYS_INSTALMENT) AS late,
        coalesce({total}(AMT_INSTALMENT), 0) AS due_sum,
        max(AMT_INSTALMENT) AS due_max,
        coalesce({total}(AMT_PAYMENT), 0) AS paid_sum,
        {mean}(AMT_PAYMENT) AS paid_mean,
        min(AMT_PAYMENT) AS paid_min,
        count(*) FILTER (WHERE DAYS_INSTALMENT >= -365) AS rows_1y,
        count(*) FILTER (WHERE DAYS_INSTALMENT >= -365 AND DAYS_ENTRY_PAYMENT > DAYS_INSTALMENT) AS late_1y,
        coalesce({total}(CASE WHEN DAYS_INSTALMENT >= -365 THEN AMT_PAYMENT END), 0) AS paid_sum_1y,
        max(CASE WHEN DAYS_INSTALMENT >= -365 THEN DAYS_ENTRY_PAYMENT - DAYS_INSTALMENT END) AS delay_max_1y,
        count(*) FILTER (WHERE DAYS_INSTALMENT >= -730) AS rows_2y,
        count(*) FILTER (WHERE DAYS_INSTALMENT >= -730 AND DAYS_ENTRY_PAYMENT > DAYS_INSTALMENT) AS late_2y,
        coalesce({total}(CASE WHEN DAYS_INSTALMENT >= -730 THEN AMT_PAYMENT END), 0) AS paid_sum_2y
    FROM read_parquet(?)
    GROUP BY SK_ID_CURR
"""


def with_duckdb(file: Path, memory: str, threads: int, *, exact: bool) -> pd.DataFrame:
    """Aggregate by client in DuckDB; with `exact`, amounts are added so that the order of rows does not matter."""
    total, mean = ("amount_sum", "amount_mean") if exact else ("sum", "avg")
    with duckdb.connect(config={"memory_limit": memory, "threads": threads}) as database:
        # It would write over the benchmark's own.
        database.execute("SET enable_progress_bar = false")
        database.execute(MACROS.read_text(encoding="utf-8"))
        found = database.execute(AGGREGATES.format(total=total, mean=mean), [str(file)]).df()
    return found.set_index("SK_ID_CURR")


def with_pandas(file: Path) -> pd.DataFrame:
    """Aggregate by client in pandas."""
    rows = pd.read_parquet(file)
    rows["delay"] = rows["DAYS_ENTRY_PAYMENT"] - rows["DAYS_INSTALMENT"]
    rows["late"] = rows["delay"] > 0
    for window, days in (("1y", -365), ("2y", -730)):
        inside = rows["DAYS_INSTALMENT"] >= days
        rows[f"rows_{window}"] = inside
        rows[f"late_{window}"] = inside & rows["late"]
        rows[f"paid_{window}"] = rows["AMT_PAYMENT"].where(inside)
    rows["delay_1y"] = rows["delay"].where(rows["rows_1y"])
    return rows.groupby("SK_ID_CURR").agg(
        rows=("SK_ID_PREV", "size"),
        loans=("SK_ID_PREV", "nunique"),
        number_max=("NUM_INSTALMENT_NUMBER", "max"),
        version_max=("NUM_INSTALMENT_VERSION", "max"),
        newest=("DAYS_INSTALMENT", "max"),
        oldest=("DAYS_INSTALMENT", "min"),
        delay_mean=("delay", "mean"),
        delay_max=("delay", "max"),
        late=("late", "sum"),
        due_sum=("AMT_INSTALMENT", "sum"),
        due_max=("AMT_INSTALMENT", "max"),
        paid_sum=("AMT_PAYMENT", "sum"),
        paid_mean=("AMT_PAYMENT", "mean"),
        paid_min=("AMT_PAYMENT", "min"),
        rows_1y=("rows_1y", "sum"),
        late_1y=("late_1y", "sum"),
        paid_sum_1y=("paid_1y", "sum"),
        delay_max_1y=("delay_1y", "max"),
        rows_2y=("rows_2y", "sum"),
        late_2y=("late_2y", "sum"),
        paid_sum_2y=("paid_2y", "sum"),
    )
