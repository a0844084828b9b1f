"""The seven raw tables of home_credit: their descriptions in `schema/`, and their keys.

The published history tables also cover the clients of application_test, 14 % of all, whose keys are not in
application_train; and some months and payments belong to credits that bureau and previous_application leave out.
"""

from __future__ import annotations

from pathlib import Path

from training.tables.table import ForeignKey, raw_table

SCHEMA = Path(__file__).parent / "schema"
OF_CLIENT = ForeignKey("SK_ID_CURR", "application_train", orphan_share=0.25)
OF_CREDIT = ForeignKey("SK_ID_BUREAU", "bureau", orphan_share=0.2)
OF_LOAN = ForeignKey("SK_ID_PREV", "previous_application", orphan_share=0.2)

TABLES_BY_NAME = {
    name: raw_table(SCHEMA / f"{name}.csv", unique, foreign_keys)
    for name, unique, foreign_keys in (
        ("application_train", ["SK_ID_CURR"], []),
        ("bureau", ["SK_ID_BUREAU"], [OF_CLIENT]),
        ("bureau_balance", ["SK_ID_BUREAU", "MONTHS_BALANCE"], [OF_CREDIT]),
        ("previous_application", ["SK_ID_PREV"], [OF_CLIENT]),
        ("POS_CASH_balance", ["SK_ID_PREV", "MONTHS_BALANCE"], [OF_CLIENT, OF_LOAN]),
        ("credit_card_balance", ["SK_ID_PREV", "MONTHS_BALANCE"], [OF_CLIENT, OF_LOAN]),
        # An instalment may be paid in parts: no columns of it are unique.
        ("installments_payments", [], [OF_CLIENT, OF_LOAN]),
    )
}
