"""The reason groups: which columns of the application and of the history speak of the same, and what each may say."""

from __future__ import annotations

from scoring.application import field_rules
from scoring.scorecard import ReasonGroup
from scoring.scorecards.parts.home_credit.application import NOT_EMPLOYED, HomeCreditApplication
from scoring.scorecards.parts.home_credit.history import HISTORY
from scoring.statements import Fact, Statement, above, below, differs, equal, lower, missing

COLUMNS = (*(rule.column for rule in field_rules(HomeCreditApplication)), *HISTORY)
BUILDING = ("_AVG", "_MODE", "_MEDI")
EDUCATION = ("Lower secondary", "Secondary / secondary special", "Incomplete higher", "Higher education",
             "Academic degree")  # fmt: skip
"""Levels of education; they rise."""


def _starting(*prefixes: str) -> tuple[str, ...]:
    return tuple(column for column in COLUMNS if column.startswith(prefixes))


def _holding(columns: tuple[str, ...], *parts: str) -> tuple[str, ...]:
    return tuple(column for column in columns if any(part in column for part in parts))


def _nothing(column: str, *others: str) -> tuple[Fact, ...]:
    return (equal(column, 0), *(equal(other, 0, compared=False) for other in others))


SCORES = _starting("EXT_SOURCE_")
BUREAU = _starting("bureau_", "balance_")
BUREAU_LATE = tuple(
    name for name in (*_holding(BUREAU, "overdue", "late", "lost", "bad_count"),)
    if not name.endswith("_months")
)  # fmt: skip
ENQUIRIES = _starting("AMT_REQ_CREDIT_BUREAU_")
EARLIER = _starting("previous_", "pos_", "card_", "installments_")
EARLIER_LATE = tuple(
    name
    for name in _holding(_starting("pos_", "card_", "installments_"), "_late_", "_short_")
    if not name.startswith(("pos_last_late", "card_last_late", "installments_last_late"))
)
REFUSED = (
    "previous_refused_count", "previous_refused_by_score_count", "previous_refused_by_limit_count",
    "previous_refused_by_policy_count", "previous_refused_count_1y", "previous_refused_count_2y",
    "previous_refused_count_3y", "previous_refused_share", "previous_newest_refused",
)  # fmt: skip
DOCUMENTS = _starting("FLAG_DOCUMENT_")
CONTACTS = ("FLAG_MOBIL", "FLAG_EMP_PHONE", "FLAG_WORK_PHONE", "FLAG_CONT_MOBILE", "FLAG_PHONE", "FLAG_EMAIL")
CIRCLE = _starting("OBS_", "DEF_")
REGION = _starting("REG", "LIVE_")
BUILDINGS = tuple(column for column in COLUMNS if column.endswith(BUILDING))
HOUSEHOLD = ("CNT_CHILDREN", "CNT_FAM_MEMBERS")
CHANGES = ("DAYS_REGISTRATION", "DAYS_ID_PUBLISH", "DAYS_LAST_PHONE_CHANGE")
CIRCUMSTANCES = ("WEEKDAY_APPR_PROCESS_START", "HOUR_APPR_PROCESS_START")

REASONS = (
    ReasonGroup(
        "EXTERNAL_SCORES",
        "The scores that other institutions gave count against the application.",
        SCORES,
        (
            Statement("TOO_LOW", "The scores that other institutions gave are too low.", below(*SCORES)),
            Statement(
                "NONE", "No other institution gave a score.",
                (missing(*SCORES), *(missing(score, compared=False) for score in SCORES)),
            ),
            Statement("NOT_KNOWN", "The score of another institution is not known.", missing(*SCORES)),
            Statement(
                "OTHER", "A score that another institution gave counts against the application.", differs(*SCORES)
            ),
        ),
    ),
    ReasonGroup(
        "CREDIT_BUREAU",
        "What the credit bureau knows of the applicant, or does not, counts against the application.",
        (*BUREAU, *ENQUIRIES),
        (
            Statement(
                "NO_RECORD", "The credit bureau has no record of the applicant.",
                _nothing("bureau_count", "balance_months_count"),
            ),
            Statement("LATE", "The credit bureau reports delays in paying.", above(*BUREAU_LATE, floor=0)),
            Statement(
                "DEBT_TOO_HIGH", "The debts that the credit bureau reports are too high.",
                above(*_holding(BUREAU, "debt"), floor=0),
            ),
            Statement(
                "TOO_MANY_ENQUIRIES", "There were too many enquiries at the credit bureau.",
                above(*ENQUIRIES, floor=0),
            ),
            Statement(
                "ENQUIRIES_NOT_KNOWN", "The number of enquiries at the credit bureau is not known.",
                missing(*ENQUIRIES),
            ),
            Statement(
                "RECORD", "The record of the credit bureau counts against the application.",
                (differs(*BUREAU), above("bureau_count", floor=0, compared=False)),
            ),
            Statement(
                "ENQUIRIES", "The number of enquiries at the credit bureau counts against the application.",
                differs(*ENQUIRIES),
            ),
        ),
    ),
    ReasonGroup(
        "EARLIER_LOANS",
        "What this lender knows of earlier applications, loans and cards, or does not, counts against the application.",
        EARLIER,
        (
            Statement(
                "NONE", "This lender knows no earlier application, loan or card of the applicant.",
                _nothing("previous_count", "pos_months_count", "card_months_count", "installments_count"),
            ),
            Statement("LATE", "Earlier loans or cards of this lender were paid late or in part.",
                      above(*EARLIER_LATE, floor=0)),
            Statement("REFUSED", "This lender refused earlier applications.", above(*REFUSED, floor=0)),
            Statement(
                "RECORD", "Earlier applications, loans and cards of this lender count against the application.",
                differs(*EARLIER),
            ),
        ),
    ),
    ReasonGroup(
        "LOAN",
        "The amount, the annuity, the price of the goods or the kind of the loan counts against the application.",
        ("NAME_CONTRACT_TYPE", "AMT_CREDIT", "AMT_ANNUITY", "AMT_GOODS_PRICE"),
        (
            Statement("AMOUNT_TOO_HIGH", "The amount of the loan is too high.", above("AMT_CREDIT")),
            Statement("ANNUITY_TOO_HIGH", "The annuity of the loan is too high.", above("AMT_ANNUITY")),
            Statement("PRICE_TOO_LOW", "The price of the goods is too low for the loan.", below("AMT_GOODS_PRICE")),
            Statement("ANNUITY_NOT_GIVEN", "The annuity of the loan was not given.", missing("AMT_ANNUITY")),
            Statement("PRICE_NOT_GIVEN", "The price of the goods was not given.", missing("AMT_GOODS_PRICE")),
            Statement("KIND", "The kind of the loan counts against the application.", differs("NAME_CONTRACT_TYPE")),
            Statement("AMOUNT_TOO_LOW", "The amount of the loan is too low.", below("AMT_CREDIT")),
            Statement("ANNUITY_TOO_LOW", "The annuity of the loan is too low.", below("AMT_ANNUITY")),
            Statement("PRICE_TOO_HIGH", "The price of the goods is too high.", above("AMT_GOODS_PRICE")),
        ),
    ),
    ReasonGroup(
        "INCOME_AND_EMPLOYMENT",
        "Income, employment or education counts against the application.",
        (
            "AMT_INCOME_TOTAL",
            "NAME_INCOME_TYPE",
            "NAME_EDUCATION_TYPE",
            "DAYS_EMPLOYED",
            "OCCUPATION_TYPE",
            "ORGANIZATION_TYPE",
        ),
        (
            Statement("INCOME_TOO_LOW", "The income is too low.", below("AMT_INCOME_TOTAL")),
            Statement("NOT_EMPLOYED", "The applicant is not employed.", equal("DAYS_EMPLOYED", NOT_EMPLOYED)),
            # Days count back from the application: nearer to 0 is shorter.
            Statement("EMPLOYMENT_TOO_SHORT", "The present employment is too short.", above("DAYS_EMPLOYED")),
            Statement("EDUCATION_TOO_LOW", "The level of education that was stated is too low.",
                      lower("NAME_EDUCATION_TYPE", *EDUCATION)),
            Statement("OCCUPATION_NOT_GIVEN", "The occupation was not given.", missing("OCCUPATION_TYPE")),
            Statement("OCCUPATION", "The occupation counts against the application.", differs("OCCUPATION_TYPE")),
            Statement("EMPLOYER", "The kind of employer counts against the application.", differs("ORGANIZATION_TYPE")),
            Statement("SOURCE", "The source of the income counts against the application.",
                      differs("NAME_INCOME_TYPE")),
            Statement("EDUCATION", "The education that was stated counts against the application.",
                      differs("NAME_EDUCATION_TYPE")),
            Statement("EMPLOYMENT_TIME", "The time in the present employment counts against the application.",
                      differs("DAYS_EMPLOYED")),
            Statement("INCOME", "The amount of the income counts against the application.",
                      differs("AMT_INCOME_TOTAL")),
        ),
    ),
    ReasonGroup(
        "HOME_AND_APPLICATION",
        "The home, its region, the household, or the documents and ways of contact count against the application.",
        (
            *HOUSEHOLD,
            "NAME_TYPE_SUITE",
            "NAME_HOUSING_TYPE",
            *CHANGES,
            *CIRCUMSTANCES,
            *_starting("FLAG_", "OWN_CAR_"),
            *REGION,
            *CIRCLE,
            *BUILDINGS,
        ),
        (
            Statement("HOUSEHOLD", "The size of the household counts against the application.", differs(*HOUSEHOLD)),
            Statement("HOUSEHOLD_NOT_GIVEN", "The size of the household was not given.", missing("CNT_FAM_MEMBERS")),
            Statement("HOUSING", "The kind of housing counts against the application.", differs("NAME_HOUSING_TYPE")),
            Statement("REGION", "The region, or how far home, work and registration are apart, counts against the "
                      "application.", differs(*REGION)),
            Statement("DOCUMENT_MISSING", "A document was not handed in.", equal(DOCUMENTS, 0)),
            Statement("DOCUMENTS", "The documents that were handed in count against the application.",
                      equal(DOCUMENTS, 1)),
            Statement("CONTACT_MISSING", "A way to reach the applicant was not given.", equal(CONTACTS, 0)),
            Statement("CONTACTS", "The ways to reach the applicant that were given count against the application.",
                      equal(CONTACTS, 1)),
            Statement("NO_REAL_ESTATE", "The applicant owns no real estate.", equal("FLAG_OWN_REALTY", "N")),
            Statement("NO_CAR", "The applicant owns no car.", equal("FLAG_OWN_CAR", "N")),
            Statement("PROPERTY", "The property of the applicant counts against the application.",
                      equal(("FLAG_OWN_REALTY", "FLAG_OWN_CAR"), "Y")),
            Statement("CAR_AGE", "The age of the car counts against the application.", differs("OWN_CAR_AGE")),
            Statement("CAR_AGE_NOT_GIVEN", "The age of a car was not given.", missing("OWN_CAR_AGE")),
            Statement("CHANGES", "The time since registration, identity document or telephone changed counts against "
                      "the application.", differs(*CHANGES)),
            Statement("PHONE_CHANGE_NOT_KNOWN", "The time since the last change of telephone is not known.",
                      missing("DAYS_LAST_PHONE_CHANGE")),
            Statement("CIRCLE_LATE", "People around the applicant were late in paying.",
                      above(*_starting("DEF_"), floor=0)),
            Statement("CIRCLE", "What is known of people around the applicant counts against the application.",
                      differs(*CIRCLE)),
            Statement("CIRCLE_NOT_KNOWN", "How people around the applicant pay is not known in full.",
                      missing(*CIRCLE)),
            Statement("BUILDING", "The building in which the applicant lives counts against the application.",
                      differs(*BUILDINGS)),
            Statement("BUILDING_NOT_KNOWN", "Something about the building in which the applicant lives was not given.",
                      missing(*BUILDINGS)),
            Statement("COMPANY", "Who came along with the applicant counts against the application.",
                      differs("NAME_TYPE_SUITE")),
            Statement("COMPANY_NOT_KNOWN", "It is not known who came along with the applicant.",
                      missing("NAME_TYPE_SUITE")),
            Statement("TIME_OF_APPLICATION", "The weekday or the hour of the application counts against it.",
                      differs(*CIRCUMSTANCES)),
        ),
    ),
)  # fmt: skip
