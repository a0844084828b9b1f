"""german_credit: is an applicant for a consumer loan a bad risk?

Statlog "German Credit" (a south German bank, 1973 to 1975): twenty attributes, thirteen of them codes.
Amounts are in Deutsche Mark.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from scoring.application import Application
from scoring.changeable import Changeable
from scoring.features import Block, beside, category, ordered, raw
from scoring.sampling import draw_choices, draw_defaults
from scoring.scorecard import RiskBand, Scorecard, Source, SourceFile
from scoring.scorecards.parts.german_credit.dialect import PUBLISHED
from scoring.scorecards.parts.german_credit.labels import LABELS
from scoring.scorecards.parts.german_credit.reasons import REASONS

# For each code its count in the published rows, and the share of bad risks among them.
CODES: dict[str, dict[str, tuple[float, float]]] = {
    "Status of existing checking account": {
        "A11": (274, 0.493), "A12": (269, 0.390), "A13": (63, 0.222), "A14": (394, 0.117),
    },
    "Credit history": {
        "A30": (40, 0.625), "A31": (49, 0.571), "A32": (530, 0.319), "A33": (88, 0.318), "A34": (293, 0.171),
    },
    "Purpose": {
        "A40": (234, 0.380), "A41": (103, 0.165), "A42": (181, 0.320), "A43": (280, 0.221), "A44": (12, 0.333),
        "A45": (22, 0.364), "A46": (50, 0.440), "A48": (9, 0.111), "A49": (97, 0.351), "A410": (12, 0.417),
    },
    "Savings account/bonds": {
        "A61": (603, 0.360), "A62": (103, 0.330), "A63": (63, 0.175), "A64": (48, 0.125), "A65": (183, 0.175),
    },
    "Present employment since": {
        "A71": (62, 0.371), "A72": (172, 0.407), "A73": (339, 0.307), "A74": (174, 0.224), "A75": (253, 0.253),
    },
    "Personal status and sex": {
        "A91": (50, 0.400), "A92": (310, 0.352), "A93": (548, 0.266), "A94": (92, 0.272),
    },
    "Other debtors / guarantors": {"A101": (907, 0.300), "A102": (41, 0.439), "A103": (52, 0.192)},
    "Property": {"A121": (282, 0.213), "A122": (232, 0.306), "A123": (332, 0.307), "A124": (154, 0.435)},
    "Other installment plans": {"A141": (139, 0.410), "A142": (47, 0.404), "A143": (814, 0.275)},
    "Housing": {"A151": (179, 0.391), "A152": (713, 0.261), "A153": (108, 0.407)},
    "Job": {"A171": (22, 0.318), "A172": (200, 0.280), "A173": (630, 0.295), "A174": (148, 0.345)},
    "Telephone": {"A191": (596, 0.314), "A192": (404, 0.280)},
    "foreign worker": {"A201": (963, 0.307), "A202": (37, 0.108)},
}  # fmt: skip
BAD_SHARE = 0.3

Count = Annotated[int, Field(ge=1, le=10)]


class LoanApplication(Application):
    """An applicant for a loan; codes as the data set has them."""

    status_of_existing_checking_account: Literal["A11", "A12", "A13", "A14"] = Field(
        alias="Status of existing checking account",
        description="A11 below 0 DM, A12 below 200 DM, A13 200 DM or more or a salary paid in, A14 no account",
    )
    duration_in_month: int = Field(alias="Duration in month", ge=1, le=120, description="of the loan, months")
    credit_history: Literal["A30", "A31", "A32", "A33", "A34"] = Field(
        alias="Credit history",
        description="A30 no credits or all paid back, A31 all at this bank paid back, A32 paid back until now, "
        "A33 delays in the past, A34 critical account or credits elsewhere",
    )
    purpose: Literal["A40", "A41", "A42", "A43", "A44", "A45", "A46", "A48", "A49", "A410"] = Field(
        alias="Purpose",
        description="A40 new car, A41 used car, A42 furniture, A43 radio or television, A44 appliances, "
        "A45 repairs, A46 education, A48 retraining, A49 business, A410 others",
    )
    credit_amount: float = Field(alias="Credit amount", ge=1, le=1_000_000, description="DM")
    savings_account_bonds: Literal["A61", "A62", "A63", "A64", "A65"] = Field(
        alias="Savings account/bonds",
        description="A61 below 100 DM, A62 below 500, A63 below 1000, A64 1000 or more, A65 unknown or none",
    )
    present_employment_since: Literal["A71", "A72", "A73", "A74", "A75"] = Field(
        alias="Present employment since",
        description="A71 unemployed, A72 below 1 year, A73 below 4, A74 below 7, A75 7 years or more",
    )
    installment_rate_in_percentage_of_disposable_income: int = Field(
        alias="Installment rate in percentage of disposable income",
        ge=1,
        le=4,
        description="1 below 20 %, 2 below 25 %, 3 below 35 %, 4 35 % or more",
    )
    personal_status_and_sex: Literal["A91", "A92", "A93", "A94", "A95"] | None = Field(
        None,
        alias="Personal status and sex",
        description="A91 male divorced, A92 female not single, A93 male single, A94 male married or widowed, "
        "A95 female single; protected",
    )
    other_debtors_guarantors: Literal["A101", "A102", "A103"] = Field(
        alias="Other debtors / guarantors", description="A101 none, A102 co-applicant, A103 guarantor"
    )
    present_residence_since: int = Field(
        alias="Present residence since", ge=1, le=4, description="1 below 1 year, 2 below 4, 3 below 7, 4 7 or more"
    )
    property: Literal["A121", "A122", "A123", "A124"] = Field(
        alias="Property",
        description="A121 real estate, A122 building society savings or life insurance, A123 car or other, A124 none",
    )
    age_in_years: int | None = Field(None, alias="Age in years", ge=18, le=120, description="years; protected")
    other_installment_plans: Literal["A141", "A142", "A143"] = Field(
        alias="Other installment plans", description="A141 at a bank, A142 at stores, A143 none"
    )
    housing: Literal["A151", "A152", "A153"] = Field(alias="Housing", description="A151 rent, A152 own, A153 for free")
    number_of_existing_credits_at_this_bank: Count = Field(
        alias="Number of existing credits at this bank", description="this one included"
    )
    job: Literal["A171", "A172", "A173", "A174"] = Field(
        alias="Job", description="A171 unemployed or unskilled non-resident, A172 unskilled, A173 skilled, A174 highly"
    )
    number_of_people_being_liable_to_provide_maintenance_for: Count = Field(
        alias="Number of people being liable to provide maintenance for", description="dependants"
    )
    telephone: Literal["A191", "A192"] = Field(alias="Telephone", description="A191 none, A192 registered")
    foreign_worker: Literal["A201", "A202"] | None = Field(
        None, alias="foreign worker", description="A201 yes, A202 no; protected"
    )


def _codes(column: str) -> tuple[str, ...]:
    return tuple(CODES[column])


def _orders() -> Block:
    """Return the codes whose order has a meaning, as positions in it."""
    return beside(
        ordered("Status of existing checking account", "A11", "A12", "A13", "A14"),
        ordered("Credit history", "A30", "A31", "A32", "A33", "A34"),
        ordered("Savings account/bonds", "A61", "A62", "A63", "A64", "A65"),
        ordered("Present employment since", "A71", "A72", "A73", "A74", "A75"),
        ordered("Property", "A124", "A123", "A122", "A121"),
        ordered("Job", "A171", "A172", "A173", "A174"),
        ordered("Telephone", "A191", "A192"),
    )


def _names() -> Block:
    """Return one-hot columns of the codes without an order."""
    columns = ("Purpose", "Other debtors / guarantors", "Other installment plans", "Housing")
    return beside(*(category(column, *_codes(column)) for column in columns))


def _numbers() -> tuple[Block, ...]:
    """Return the numbers scaled to a few units: years, powers of ten, counts."""
    return (
        (raw("Duration in month") / 12).named("duration in years"),
        raw("Credit amount").signed_log(),
        raw(
            "Installment rate in percentage of disposable income",
            "Present residence since",
            "Number of existing credits at this bank",
            "Number of people being liable to provide maintenance for",
        ),
    )


def _protected_columns(protected: bool) -> tuple[Block, ...]:
    if not protected:
        return ()
    age = (raw("Age in years") / 10).named("age in decades")
    status = category("Personal status and sex", "A91", "A92", "A93", "A94", "A95")
    return (age, status, ordered("foreign worker", "A202", "A201"))


def published_features(protected: bool) -> tuple[Block, ...]:
    """Return the attributes: ordered codes by position, the others one-hot, numbers scaled."""
    return (_orders(), _names(), *_numbers(), *_protected_columns(protected))


def engineered_features(protected: bool) -> tuple[Block, ...]:
    """Return the published features and the size of a monthly instalment: for trees."""
    instalment = (raw("Credit amount") / raw("Duration in month")).named("instalment")
    return (*published_features(protected), instalment)


def one_hot_features(protected: bool) -> tuple[Block, ...]:
    """Return every code one-hot: for models that start with a linear layer."""
    protected_codes = {"Personal status and sex", "foreign worker"}
    codes = [category(column, *_codes(column)) for column in CODES if column not in protected_codes]
    return (*codes, *_numbers(), *_protected_columns(protected))


def sample(generator: np.random.Generator, rows: int) -> dict[str, NDArray[Any]]:
    """Make up applicants: the published counts of each code, and what each says of the risk.

    30 % bad risks, as published. Sex, marital status, age and origin carry no signal.
    """
    log_odds = np.zeros(rows)
    columns: dict[str, NDArray[Any]] = {"ID": np.arange(1, rows + 1)}
    for name, choices in CODES.items():
        columns[name], effect = draw_choices(generator, rows, choices, BAD_SHARE)
        if name not in ("Personal status and sex", "foreign worker"):
            log_odds += effect
    # Whole numbers of months and shares of 1 to 4 as published; durations peak at a year and two.
    durations = generator.choice([6, 9, 12, 15, 18, 24, 30, 36, 48, 60], rows, p=[
        0.09, 0.07, 0.22, 0.08, 0.13, 0.20, 0.05, 0.09, 0.05, 0.02
    ])  # fmt: skip
    columns["Duration in month"] = durations
    columns["Credit amount"] = (durations * generator.lognormal(4.83, 0.55, rows)).clip(250, 20_000).round()
    columns["Installment rate in percentage of disposable income"] = _levels(generator, rows, 0.136, 0.231, 0.157)
    columns["Present residence since"] = _levels(generator, rows, 0.130, 0.308, 0.149)
    columns["Age in years"] = (19 + generator.gamma(2.0, 8.3, rows)).clip(19, 75).astype(np.int64)
    columns["Number of existing credits at this bank"] = _levels(generator, rows, 0.633, 0.333, 0.028)
    columns["Number of people being liable to provide maintenance for"] = 1 + (generator.random(rows) < 0.155)
    log_odds += 0.035 * (durations - 20.9)
    log_odds += 0.2 * (columns["Installment rate in percentage of disposable income"] - 3)
    columns["Risk"] = 1 + draw_defaults(generator, log_odds, BAD_SHARE)
    return columns


def _levels(generator: np.random.Generator, rows: int, *shares: float) -> NDArray[np.int64]:
    """Draw 1, 2, 3, ... with these shares; the last level has the rest."""
    drawn = np.searchsorted(np.cumsum(shares), generator.random(rows))
    return drawn.astype(np.int64) + 1


SCORECARD = Scorecard(
    name="german_credit",
    title="Risk of a consumer loan",
    purpose="Estimates the probability that an applicant for a consumer loan turns out a bad risk. A lender uses it to "
    "approve or decline the application and to sort what is approved by risk level.",
    limits=(
        "1,000 applicants: the intervals of every figure are wide, and groups of the fairness table hold few rows.",
        "A south German bank in the 1970s: amounts in Deutsche Mark, and habits of payment of that time.",
        "30 % bad risks were chosen for the data set; a portfolio with another share needs another calibration.",
        "Loans that were refused are not in the data.",
    ),
    application=LoanApplication,
    key="ID",
    target="Risk",
    target_values=(1, 2),
    codes=frozenset({"Installment rate in percentage of disposable income", "Present residence since"}),
    protected=frozenset({"Personal status and sex", "Age in years", "foreign worker"}),
    # The data set's cost matrix: to accept a bad risk costs five times as much as to refuse a good one.
    cutoff=1 / 6,
    reasons=REASONS,
    labels=LABELS,
    dialects=(PUBLISHED,),
    # P(good) from 0.7 and from 0.4.
    bands=(RiskBand("LOW", 0.3), RiskBand("MEDIUM", 0.6), RiskBand("HIGH", 1.01)),
    sources=(
        Source(
            title="Statlog (German Credit Data)",
            licence="CC BY 4.0",
            citation="Hans Hofmann, Statlog (German Credit Data), UCI Machine Learning Repository, 1994",
            files=(
                SourceFile(
                    file_name="german.data",
                    sha256="b21f3d81db8071257d5ff1deaeba1fd4303b62712e6fcc9715c7a86202cb5871",
                    rows=1_000,
                    separator=" ",
                    columns=(*(info.alias or name for name, info in LoanApplication.model_fields.items()), "Risk"),
                ),
            ),
        ),
    ),
    features={
        "published": published_features,
        "engineered": engineered_features,
        "one_hot": one_hot_features,
    },
    sample=sample,
    example={
        "Status of existing checking account": "A12", "Duration in month": 48, "Credit history": "A32",
        "Purpose": "A43", "Credit amount": 5951, "Savings account/bonds": "A61",
        "Present employment since": "A73", "Installment rate in percentage of disposable income": 2,
        "Personal status and sex": "A92", "Other debtors / guarantors": "A101", "Present residence since": 2,
        "Property": "A121", "Age in years": 22, "Other installment plans": "A143", "Housing": "A152",
        "Number of existing credits at this bank": 1, "Job": "A173",
        "Number of people being liable to provide maintenance for": 1, "Telephone": "A191", "foreign worker": "A201",
    },
    # The instalment's share of the income follows from amount and duration, and nobody can change it by itself. It
    # stays as it was sent, so the instalment must not rise.
    changeable=(
        Changeable("Credit amount", "down", minimum=250, maximum=20_000, step=250),
        Changeable("Duration in month", minimum=4, maximum=72),
        # Money put into the account: no longer overdrawn, then 200 DM or more.
        Changeable("Status of existing checking account", "up", choices=("A11", "A12", "A13")),
        Changeable("Savings account/bonds", "up", choices=("A61", "A62", "A63", "A64")),
        # Finds a guarantor; pays other instalment plans off; has a telephone registered.
        Changeable("Other debtors / guarantors", choices=("A103",)),
        Changeable("Other installment plans", choices=("A143",)),
        Changeable("Telephone", choices=("A192",)),
    ),
    held_ratios=(("Credit amount", "Duration in month"),),
)  # fmt: skip
