"""card_approval: will a retail client who asks for a credit card fall 90 days behind?

Kaggle "Credit Card Approval Prediction": the application of a client, and the months of credit that followed.
Days are counted back from the application. Amounts are per year, in the currency of the data, which is not named.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scoring.application import Application, Sentinel
from scoring.changeable import Changeable
from scoring.features import Block, beside, category, ordered, raw
from scoring.scorecard import RiskBand, Scorecard, Source, SourceFile
from scoring.scorecards.parts.card_approval.labels import LABELS
from scoring.scorecards.parts.card_approval.reasons import NOT_EMPLOYED, REASONS
from scoring.scorecards.parts.card_approval.sample import CHOICES, sample

AGE_GROUPS = tuple(365 * years for years in (18, 25, 35, 45, 55, 65))
"""Upper edges of the published age groups but the last, in days; each belongs to the group below it."""
EMPLOYMENT_BINS = (365, 1_095, 1_825, 3_650, 14_600)
"""Upper edges of the published bins of employment but the last, in days; each belongs to the bin below it."""

Answer = Literal["N", "Y"]
Flag = Annotated[int, Field(ge=0, le=1)]


class CardApplication(Application):
    """A client's application for a credit card."""

    code_gender: Literal["F", "M"] | None = Field(None, alias="CODE_GENDER", description="F female, M male; protected")
    flag_own_car: Answer = Field(alias="FLAG_OWN_CAR", description="owns a car")
    flag_own_realty: Answer = Field(alias="FLAG_OWN_REALTY", description="owns real estate")
    cnt_children: int = Field(alias="CNT_CHILDREN", ge=0, le=30, description="children")
    amt_income_total: float = Field(alias="AMT_INCOME_TOTAL", ge=1, le=1e8, description="income a year")
    name_income_type: Literal["Working", "Commercial associate", "Pensioner", "State servant", "Student"] = Field(
        alias="NAME_INCOME_TYPE", description="where the income comes from"
    )
    name_education_type: Literal[
        "Lower secondary",
        "Secondary / secondary special",
        "Incomplete higher",
        "Higher education",
        "Academic degree",
    ] = Field(alias="NAME_EDUCATION_TYPE", description="highest education")
    name_family_status: Literal["Married", "Single / not married", "Civil marriage", "Separated", "Widow"] | None = (
        Field(None, alias="NAME_FAMILY_STATUS", description="family status; protected")
    )
    name_housing_type: Literal[
        "House / apartment",
        "With parents",
        "Municipal apartment",
        "Rented apartment",
        "Office apartment",
        "Co-op apartment",
    ] = Field(alias="NAME_HOUSING_TYPE", description="where the client lives")
    days_birth: int | None = Field(
        None, alias="DAYS_BIRTH", ge=-36_500, le=-6_570, description="day of birth, 18 to 100 years back; protected"
    )
    days_employed: Annotated[int, Field(ge=-20_000, le=0), Sentinel(NOT_EMPLOYED)] = Field(
        alias="DAYS_EMPLOYED", description="first day of the present employment; 365243 not employed"
    )
    flag_work_phone: Flag = Field(alias="FLAG_WORK_PHONE", description="1 gave a phone at work")
    flag_phone: Flag = Field(alias="FLAG_PHONE", description="1 gave a phone at home")
    flag_email: Flag = Field(alias="FLAG_EMAIL", description="1 gave an address for e-mail")
    occupation_type: (
        Literal[
            "Laborers",
            "Core staff",
            "Sales staff",
            "Managers",
            "Drivers",
            "High skill tech staff",
            "Accountants",
            "Medicine staff",
            "Cooking staff",
            "Security staff",
            "Cleaning staff",
            "Private service staff",
            "Low-skill Laborers",
            "Secretaries",
            "Waiters/barmen staff",
            "Realty agents",
            "HR staff",
            "IT staff",
        ]
        | None
    ) = Field(None, alias="OCCUPATION_TYPE", description="occupation; left out where it is not known")
    cnt_fam_members: int = Field(alias="CNT_FAM_MEMBERS", ge=1, le=31, description="members of the household")


def _indicators(column: str) -> Block:
    return category(column, *CHOICES[column])


def _days_employed() -> Block:
    """Return days in the present employment; 0 for those who are not employed, whom their bin tells apart."""
    return (raw("DAYS_EMPLOYED") * -1).clip(0, 20_000).named("days_employed")


def _employment_steps() -> Block:
    """Return whether employed at all, then whether for longer than each edge of the bins."""
    return (raw("DAYS_EMPLOYED") * -1).steps((-1, *EMPLOYMENT_BINS))


def _days_birth() -> Block:
    return (raw("DAYS_BIRTH") * -1).named("days_birth")


def _codes(protected: bool) -> tuple[Block, ...]:
    """Return the texts: two values or an order as one column, else one-hot; no occupation is one of its own."""
    occupation = _indicators("OCCUPATION_TYPE")
    codes = (
        beside(
            ordered("FLAG_OWN_CAR", "N", "Y"),
            ordered("FLAG_OWN_REALTY", "N", "Y"),
            ordered("NAME_EDUCATION_TYPE", *CHOICES["NAME_EDUCATION_TYPE"]),
            _indicators("NAME_INCOME_TYPE"),
            _indicators("NAME_HOUSING_TYPE"),
            occupation,
        ),
        (occupation.total("known") * -1 + 1).named("OCCUPATION_TYPE = unknown"),
    )
    return (*codes, ordered("CODE_GENDER", "F", "M"), _indicators("NAME_FAMILY_STATUS")) if protected else codes


def published_features(protected: bool) -> tuple[Block, ...]:
    """Return the published 18, 14 of them without protected columns.

    `days_employed_bin` counts from 0, not employed, over 1, up to a year (0 and 1 day too), to 6, above 40 years.
    `age_group` counts from 0, up to 18 years, to 6, above 65.
    """
    numbers = raw("CNT_CHILDREN", "AMT_INCOME_TOTAL", "FLAG_WORK_PHONE", "FLAG_PHONE", "FLAG_EMAIL", "CNT_FAM_MEMBERS")
    employment = (_days_employed(), _employment_steps().total("days_employed_bin"))
    age = (_days_birth(), _days_birth().steps(AGE_GROUPS).total("age_group")) if protected else ()
    return (*_codes(protected), numbers, *employment, *age)


def engineered_features(protected: bool) -> tuple[Block, ...]:
    """Return logs of income, as a whole and per member of the household, and bins as steps: for linear models too."""
    income, members = raw("AMT_INCOME_TOTAL"), raw("CNT_FAM_MEMBERS")
    money = beside(income, (income / members).named("income per member")).signed_log()
    counts = raw("CNT_CHILDREN", "CNT_FAM_MEMBERS", "FLAG_WORK_PHONE", "FLAG_PHONE", "FLAG_EMAIL")
    features = (*_codes(protected), money, counts, _days_employed() / 3_650, _employment_steps())
    if not protected:
        return features
    age = _days_birth()
    employed = (_days_employed() / age).named("share of life employed")
    return (*features, (age / 3_650).named("age in decades"), age.steps(AGE_GROUPS), employed)


SCORECARD = Scorecard(
    name="card_approval",
    title="Approval of a credit card for a retail client",
    purpose="Estimates the probability that a client who asks for a credit card will be 90 days or more past due in a "
    "month of the credit that follows. A lender uses it to approve or decline the application.",
    limits=(
        "Only clients whose application and months of credit are both known: 8 % of the published applications.",
        "Most applicants agree in every field with another one; as many rows say less than their number suggests.",
        "The label of the file of 26,788 clients is of undocumented origin; no model predicts it better than chance.",
        "Clients are watched for as long as their months are known, 21 on average and 61 at most, not equally long.",
        "Income is in a currency that is not named, and applications that were refused are not in the data.",
    ),
    application=CardApplication,
    key="ID",
    target="TARGET",
    codes=frozenset({"FLAG_WORK_PHONE", "FLAG_PHONE", "FLAG_EMAIL"}),
    protected=frozenset({"CODE_GENDER", "NAME_FAMILY_STATUS", "DAYS_BIRTH"}),
    # No costs come with the data. 0.05 says that a default loses what nineteen good clients earn.
    cutoff=0.05,
    reasons=REASONS,
    labels=LABELS,
    bands=(
        RiskBand("A", 0.005),
        RiskBand("B", 0.01),
        RiskBand("C", 0.02),
        RiskBand("D", 0.05),
        RiskBand("E", 1.01),
    ),
    sources=(
        Source(
            title="Credit Card Approval Prediction",
            licence="not stated by those who publish it",
            citation="Credit Card Approval Prediction, Kaggle, rikdifos/credit-card-approval-prediction",
            files=(
                SourceFile("application_record.csv", None, 438_557, table="application_record"),
                SourceFile("credit_record.csv", None, 1_048_575, table="credit_record"),
            ),
        ),
        Source(
            title="Credit Card Approval Prediction, 26,788 clients with a label of undocumented origin",
            licence="none given with the file",
            citation="saashrafphd, Random-Forest-and-Feature-Selection, application_record.csv, GitHub",
            files=(
                SourceFile(
                    file_name="application_record_with_default.csv",
                    sha256="2874fad369dff3356dd5d68b5c707dba37988d6dace40ce1351e2de25d9fb479",
                    rows=26_788,
                    table="application_record_with_default",
                    missing=("None",),
                ),
            ),
        ),
    ),
    features={"published": published_features, "engineered": engineered_features},
    sample=sample,
    example={
        "CODE_GENDER": "F", "FLAG_OWN_CAR": "N", "FLAG_OWN_REALTY": "Y", "CNT_CHILDREN": 1,
        "AMT_INCOME_TOTAL": 157500, "NAME_INCOME_TYPE": "Working",
        "NAME_EDUCATION_TYPE": "Secondary / secondary special", "NAME_FAMILY_STATUS": "Married",
        "NAME_HOUSING_TYPE": "House / apartment", "DAYS_BIRTH": -13557, "DAYS_EMPLOYED": -586,
        "FLAG_WORK_PHONE": 0, "FLAG_PHONE": 1, "FLAG_EMAIL": 0, "OCCUPATION_TYPE": "Sales staff", "CNT_FAM_MEMBERS": 3,
    },
    # Contacts are given. Income is one more earner's, or proven. Employment: the client asks again, months later.
    changeable=(
        Changeable("FLAG_WORK_PHONE", "up", minimum=0, maximum=1),
        Changeable("FLAG_PHONE", "up", minimum=0, maximum=1),
        Changeable("FLAG_EMAIL", "up", minimum=0, maximum=1),
        Changeable("DAYS_EMPLOYED", "down", minimum=-3_600, maximum=0, step=30),
        Changeable("AMT_INCOME_TOTAL", "up", minimum=27_000, maximum=900_000, step=4_500),
    ),
)  # fmt: skip
