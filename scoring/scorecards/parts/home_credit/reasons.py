"""The reason groups: which columns of the application and of the history speak of the same thing."""

from __future__ import annotations

from scoring.application import field_rules
from scoring.scorecard import ReasonGroup
from scoring.scorecards.parts.home_credit.application import HomeCreditApplication
from scoring.scorecards.parts.home_credit.history import HISTORY

COLUMNS = (*(rule.column for rule in field_rules(HomeCreditApplication)), *HISTORY)
BUILDING = ("_AVG", "_MODE", "_MEDI")


def _starting(*prefixes: str) -> tuple[str, ...]:
    return tuple(column for column in COLUMNS if column.startswith(prefixes))


REASONS = (
    ReasonGroup(
        "EXTERNAL_SCORES", "The scores that other institutions gave are not high enough.", _starting("EXT_SOURCE_")
    ),
    ReasonGroup(
        "CREDIT_BUREAU",
        "The credits, debts, delays or enquiries that the credit bureau reports weigh too much.",
        _starting("bureau_", "balance_", "AMT_REQ_CREDIT_BUREAU_"),
    ),
    ReasonGroup(
        "EARLIER_LOANS",
        "Earlier applications, loans and cards of this lender, and how they were repaid, are not good enough.",
        _starting("previous_", "pos_", "card_", "installments_"),
    ),
    ReasonGroup(
        "LOAN",
        "The amount, the annuity, the price of the goods or the kind of the loan weighs too much.",
        ("NAME_CONTRACT_TYPE", "AMT_CREDIT", "AMT_ANNUITY", "AMT_GOODS_PRICE"),
    ),
    ReasonGroup(
        "INCOME_AND_EMPLOYMENT",
        "Income, employment or education is not sufficient.",
        (
            "AMT_INCOME_TOTAL",
            "NAME_INCOME_TYPE",
            "NAME_EDUCATION_TYPE",
            "DAYS_EMPLOYED",
            "OCCUPATION_TYPE",
            "ORGANIZATION_TYPE",
        ),
    ),
    ReasonGroup(
        "HOME_AND_APPLICATION",
        "The home, its region, the household, or the documents and ways of contact that were given are not sufficient.",
        (
            "CNT_CHILDREN",
            "CNT_FAM_MEMBERS",
            "NAME_TYPE_SUITE",
            "NAME_HOUSING_TYPE",
            "DAYS_REGISTRATION",
            "DAYS_ID_PUBLISH",
            "DAYS_LAST_PHONE_CHANGE",
            "WEEKDAY_APPR_PROCESS_START",
            "HOUR_APPR_PROCESS_START",
            *_starting("FLAG_", "OWN_CAR_", "REG", "LIVE_", "OBS_", "DEF_"),
            *(column for column in COLUMNS if column.endswith(BUILDING)),
        ),
    ),
)
