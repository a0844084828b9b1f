"""The features of home_credit, from an application and its history; nothing of them is computed elsewhere."""

from __future__ import annotations

from scoring.features import Block, beside, category, optional, ordered, raw
from scoring.scorecards.parts.home_credit.application import NOT_EMPLOYED
from scoring.scorecards.parts.home_credit.history import HISTORY

SCORES = ("EXT_SOURCE_1", "EXT_SOURCE_2", "EXT_SOURCE_3")
DOCUMENTS = tuple(f"FLAG_DOCUMENT_{number}" for number in range(2, 22))
KNOWN = (
    "CNT_CHILDREN", "REGION_POPULATION_RELATIVE", "DAYS_REGISTRATION", "DAYS_ID_PUBLISH",
    "FLAG_EMP_PHONE", "FLAG_WORK_PHONE", "FLAG_PHONE", "FLAG_EMAIL",
    "REGION_RATING_CLIENT", "REGION_RATING_CLIENT_W_CITY", "HOUR_APPR_PROCESS_START",
    "REG_REGION_NOT_LIVE_REGION", "REG_REGION_NOT_WORK_REGION", "REG_CITY_NOT_LIVE_CITY", "REG_CITY_NOT_WORK_CITY",
)  # fmt: skip
OPTIONAL = (
    "OWN_CAR_AGE", "CNT_FAM_MEMBERS", "DAYS_LAST_PHONE_CHANGE",
    "OBS_30_CNT_SOCIAL_CIRCLE", "DEF_30_CNT_SOCIAL_CIRCLE", "DEF_60_CNT_SOCIAL_CIRCLE",
    *(f"AMT_REQ_CREDIT_BUREAU_{unit}" for unit in ("DAY", "WEEK", "MON", "QRT", "YEAR")),
    # Mode and median of these say what the mean says.
    *(
        f"{measure}_AVG"
        for measure in (
            "APARTMENTS", "BASEMENTAREA", "YEARS_BEGINEXPLUATATION", "YEARS_BUILD", "COMMONAREA", "ELEVATORS",
            "ENTRANCES", "FLOORSMAX", "LANDAREA", "LIVINGAREA", "NONLIVINGAREA",
        )
    ),
    "TOTALAREA_MODE",
)  # fmt: skip
EDUCATION = (
    "Lower secondary", "Secondary / secondary special", "Incomplete higher", "Higher education", "Academic degree",
)  # fmt: skip
# Those with two percent of the applications and more; XNA is said by DAYS_EMPLOYED.
ORGANIZATIONS = (
    "Business Entity Type 3", "Self-employed", "Other", "Medicine", "Business Entity Type 2", "Government", "School",
    "Trade: type 7", "Kindergarten", "Construction",
)  # fmt: skip
OCCUPATIONS = (
    "Laborers", "Sales staff", "Core staff", "Managers", "Drivers", "High skill tech staff", "Accountants",
    "Medicine staff", "Security staff", "Cooking staff", "Cleaning staff", "Low-skill Laborers",
)  # fmt: skip


def _texts() -> Block:
    return beside(
        category("NAME_CONTRACT_TYPE", "Revolving loans"),
        category("FLAG_OWN_CAR", "Y"),
        category("FLAG_OWN_REALTY", "Y"),
        category("NAME_INCOME_TYPE", "Working", "Commercial associate", "Pensioner", "State servant"),
        ordered("NAME_EDUCATION_TYPE", *EDUCATION),
        category("NAME_HOUSING_TYPE", "House / apartment", "With parents", "Municipal apartment", "Rented apartment"),
        category("OCCUPATION_TYPE", *OCCUPATIONS),
        category("ORGANIZATION_TYPE", *ORGANIZATIONS),
    )


def _employment() -> Block:
    """Return days in the present employment, missing where there is none; then `missing` says so."""
    return raw("DAYS_EMPLOYED").without(NOT_EMPLOYED)


def _loan() -> tuple[Block, ...]:
    """Return the loan against the income and against itself."""
    income, credit, annuity, goods = (
        raw("AMT_INCOME_TOTAL"), raw("AMT_CREDIT"), optional("AMT_ANNUITY"), optional("AMT_GOODS_PRICE")
    )  # fmt: skip
    return (
        income,
        credit,
        annuity,
        goods,
        (credit / income).named("credit to income"),
        (annuity / income).named("annuity to income"),
        (credit / annuity).named("credit to annuity"),
        (goods / credit).named("goods to credit"),
        (income / optional("CNT_FAM_MEMBERS")).named("income per head"),
    )


def _scores() -> tuple[Block, ...]:
    """Return the external scores, how many there are, and their mean, missing where there is none."""
    scores = optional(*SCORES)
    count = (scores.missing().total("missing scores") * -1 + 3).named("known scores")
    return (
        scores,
        count,
        (scores.filled(0).total("sum of scores") / count.without(0)).named("mean score"),
        scores.filled(1).smallest("worst score"),
        scores.filled(0).largest("best score"),
    )


def _protected_columns(protected: bool) -> tuple[Block, ...]:
    if not protected:
        return ()
    age = raw("DAYS_BIRTH")
    return (
        age,
        (_employment() / age).named("employed share of life"),
        category("CODE_GENDER", "F", "M"),
        category(
            "NAME_FAMILY_STATUS", "Married", "Single / not married", "Civil marriage", "Separated", "Widow"
        ),
    )  # fmt: skip


def application_features(protected: bool) -> tuple[Block, ...]:
    """Return the application alone, values missing where they are: for trees."""
    employed = _employment()
    return (
        *_loan(),
        *_scores(),
        employed,
        employed.missing().named("not employed"),
        raw(*KNOWN),
        raw(*DOCUMENTS).total("documents"),
        optional(*OPTIONAL),
        _texts(),
        *_protected_columns(protected),
    )


def engineered_features(protected: bool) -> tuple[Block, ...]:
    """Return the application, the history, and one against the other: for trees."""
    income, credit = raw("AMT_INCOME_TOTAL"), raw("AMT_CREDIT")
    return (
        *application_features(protected),
        optional(*HISTORY),
        (optional("bureau_active_debt_sum", "bureau_debt_sum", "bureau_overdue_sum") / income).named(
            "active debt to income", "debt to income", "overdue to income"
        ),
        ((optional("bureau_active_annuity_sum") + optional("AMT_ANNUITY")) / income).named("all annuities to income"),
        (credit / optional("previous_approved_credit_mean").without(0)).named("credit to earlier credits"),
        (optional("AMT_ANNUITY") / optional("installments_due_mean").without(0)).named(
            "annuity to earlier instalments"
        ),
    )


def filled_features(protected: bool) -> tuple[Block, ...]:
    """Return the engineered features without missing values: half for a score, nothing for anything else.

    For what cannot do with missing values, such as SMOTE. Which external scores are missing stands beside them, and
    of a history the counts tell.
    """
    return (
        optional(*SCORES).missing(),
        *(
            block.filled(0.5 if block.names == SCORES else 0.0) if block.may_be_missing else block
            for block in engineered_features(protected)
        ),
    )
