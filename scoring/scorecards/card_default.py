"""card_default: will a credit card client miss next month's payment?

UCI "Default of Credit Card Clients" (Taiwan, 2005): limit, demographics, and six months of
repayment status, bill and payment. Month 1 is September 2005, month 6 is April 2005.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from scoring.application import Application
from scoring.changeable import Changeable
from scoring.features import Block, beside, raw
from scoring.sampling import draw_defaults
from scoring.scorecard import RiskBand, Scorecard, Source, SourceFile
from scoring.scorecards.parts.card_default.dialect import published
from scoring.scorecards.parts.card_default.labels import LABELS
from scoring.scorecards.parts.card_default.reasons import BILLS, PAYMENTS, REASONS, STATUSES

# Beyond the published ranges (bills -339,603 to 1,664,089), and still exact in float32.
LARGEST_AMOUNT = 10_000_000
Bill = Annotated[float, Field(ge=-LARGEST_AMOUNT, le=LARGEST_AMOUNT)]
Payment = Annotated[float, Field(ge=0, le=LARGEST_AMOUNT)]
Status = Annotated[int, Field(ge=-2, le=9)]


class CardApplication(Application):
    """A card client's month: amounts in New Taiwan dollars, months counted back from the newest."""

    limit_bal: float = Field(alias="LIMIT_BAL", ge=1, le=LARGEST_AMOUNT, description="credit limit")
    sex: int | None = Field(None, alias="SEX", ge=1, le=2, description="1 male, 2 female; protected")
    education: int = Field(
        alias="EDUCATION",
        ge=0,
        le=6,
        description="1 graduate school, 2 university, 3 high school, 4 others; 0, 5, 6 occur undocumented",
    )
    marriage: int | None = Field(
        None, alias="MARRIAGE", ge=0, le=3, description="1 married, 2 single, 3 others, 0 occurs; protected"
    )
    age: int | None = Field(None, alias="AGE", ge=18, le=120, description="years; protected")
    pay_0: Status = Field(
        alias="PAY_0", description="status in month 1: -2 no consumption, -1 paid, 0 revolving, n months late"
    )
    pay_2: Status = Field(alias="PAY_2", description="status in month 2")
    pay_3: Status = Field(alias="PAY_3", description="status in month 3")
    pay_4: Status = Field(alias="PAY_4", description="status in month 4")
    pay_5: Status = Field(alias="PAY_5", description="status in month 5")
    pay_6: Status = Field(alias="PAY_6", description="status in month 6")
    bill_amt1: Bill = Field(alias="BILL_AMT1", description="bill of month 1")
    bill_amt2: Bill = Field(alias="BILL_AMT2", description="bill of month 2")
    bill_amt3: Bill = Field(alias="BILL_AMT3", description="bill of month 3")
    bill_amt4: Bill = Field(alias="BILL_AMT4", description="bill of month 4")
    bill_amt5: Bill = Field(alias="BILL_AMT5", description="bill of month 5")
    bill_amt6: Bill = Field(alias="BILL_AMT6", description="bill of month 6")
    pay_amt1: Payment = Field(alias="PAY_AMT1", description="paid in month 1")
    pay_amt2: Payment = Field(alias="PAY_AMT2", description="paid in month 2")
    pay_amt3: Payment = Field(alias="PAY_AMT3", description="paid in month 3")
    pay_amt4: Payment = Field(alias="PAY_AMT4", description="paid in month 4")
    pay_amt5: Payment = Field(alias="PAY_AMT5", description="paid in month 5")
    pay_amt6: Payment = Field(alias="PAY_AMT6", description="paid in month 6")


def published_features(protected: bool) -> tuple[Block, ...]:
    """Return the 23 fields and six engineered features of the published network: 29 inputs.

    Without the protected columns the age band goes too: 20 fields and five features.
    """
    statuses = raw(*STATUSES)
    bills = raw(*BILLS)
    payments = raw(*PAYMENTS)
    limit = raw("LIMIT_BAL")
    blocks = [
        limit,
        raw("EDUCATION"),
        statuses,
        bills,
        payments,
        statuses.mean("mean status"),
        statuses.largest("worst status"),
        statuses.clip(0, 1).total("late months"),
        payments.total("paid") / bills.total("billed").clip(1, 6 * LARGEST_AMOUNT),
        (raw("BILL_AMT1") / limit).named("utilisation"),
    ]
    if protected:
        # Bands start at 26, 36, 46 and 56 years.
        age_band = raw("AGE").steps((25, 35, 45, 55)).total("age band")
        blocks += [raw("SEX", "MARRIAGE", "AGE"), age_band]
    return tuple(blocks)


def _amounts_and_ratios() -> tuple[Block, ...]:
    statuses = raw(*STATUSES)
    bills = raw(*BILLS)
    payments = raw(*PAYMENTS)
    limit = raw("LIMIT_BAL")
    amounts = beside(limit, bills, payments, payments.total("paid"), payments.smallest("smallest payment"))
    utilisation = (bills / limit).clip(-1, 3).named(*(f"utilisation {month}" for month in range(1, 7)))
    # A payment settles the bill of the month before; small bills would make the share explode.
    billed_before = raw(*BILLS[1:]).clip(1_000, LARGEST_AMOUNT)
    paid_share = (raw(*PAYMENTS[:5]) / billed_before).clip(0, 3).named(*(f"paid share {m}" for m in range(1, 6)))
    return (
        amounts.signed_log(),
        utilisation,
        utilisation.largest("highest utilisation"),
        paid_share,
        ((raw("BILL_AMT1") - raw("BILL_AMT6")) / limit).clip(-3, 3).named("trend of debt"),
        statuses.largest("worst status"),
    )


def _protected_columns(protected: bool) -> tuple[Block, ...]:
    return (raw("SEX", "MARRIAGE", "AGE"),) if protected else ()


def engineered_features(protected: bool) -> tuple[Block, ...]:
    """Return logs, utilisation, paid shares and delays, with the codes as they are: for trees."""
    statuses = raw(*STATUSES)
    utilisation = raw(*BILLS) / raw("LIMIT_BAL")
    return (
        statuses,
        raw("EDUCATION"),
        *_amounts_and_ratios(),
        utilisation.mean("mean utilisation"),
        statuses.clip(0, 9).mean("mean delay"),
        statuses.clip(0, 1).total("late months"),
        *_protected_columns(protected),
    )


def stepped_features(protected: bool) -> tuple[Block, ...]:
    """Return the engineered features with codes spread over steps: for models that start with a linear layer.

    Means and counts over columns that are there already are left to that layer.
    """
    return (
        raw(*STATUSES).steps((-2, -1, 0, 1, 2, 3)),
        # Codes other than 1, 2 and 3 are rare, and read as one of these.
        raw("EDUCATION").steps((1, 2)),
        *_amounts_and_ratios(),
        *_protected_columns(protected),
    )


def sample(generator: np.random.Generator, rows: int) -> dict[str, NDArray[Any]]:
    """Make up clients: the published ranges and marginals, and a learnable signal.

    A latent strain drives limits, delays, debt and payments; delays, debt and limit drive the
    default. Sex, marriage and age carry no signal. 22.12 % default, as published.
    """
    strain = generator.normal(size=rows)
    limit = np.exp(generator.normal(11.8 - 0.25 * strain, 0.85)).clip(10_000, 1_000_000).round(-4)
    columns: dict[str, NDArray[Any]] = {
        "ID": np.arange(1, rows + 1),
        "LIMIT_BAL": limit,
        "SEX": generator.choice([1, 2], rows, p=[0.396, 0.604]),
        "EDUCATION": generator.choice(7, rows, p=[0.001, 0.352, 0.467, 0.164, 0.004, 0.009, 0.003]),
        "MARRIAGE": generator.choice(4, rows, p=[0.002, 0.455, 0.532, 0.011]),
        "AGE": (21 + generator.gamma(2.5, 5.8, rows)).clip(21, 79).astype(np.int64),
    }

    # Shares of -2, -1, 0, 1, 2, 3 and more months late in PAY_0, as published.
    levels = np.quantile(generator.normal(size=100_000), np.cumsum([0.092, 0.190, 0.491, 0.123, 0.089, 0.012]))
    drift = strain * 0.75
    statuses = np.empty((rows, 6), dtype=np.int64)
    for month in range(6):
        latent = drift + np.sqrt(1 - 0.75**2) * generator.normal(size=rows)
        status = np.searchsorted(levels, latent) - 2
        # The tail beyond three months thins out by half with each month.
        tail = np.minimum(3 + generator.geometric(0.5, rows) - 1, 8)
        statuses[:, month] = np.where(status >= 4, tail, np.minimum(status, 3))
    columns |= {name: statuses[:, month] for month, name in enumerate(STATUSES)}

    used_share = 1 / (1 + np.exp(-(0.9 * strain - 0.6 + generator.normal(size=rows))))
    for month, name in enumerate(BILLS):
        bill = limit * used_share * generator.lognormal(-0.04 * month, 0.15, rows)
        credit = generator.random(rows) < 0.02
        columns[name] = np.where(credit, -0.02 * limit, bill).clip(-339_603, 1_664_089).round()
    for month, name in enumerate(PAYMENTS):
        share = generator.beta(0.6, 6.0, rows) * np.exp(-0.3 * strain)
        skipped = generator.random(rows) < 0.08 + 0.25 * (statuses[:, month] > 0)
        columns[name] = np.where(skipped, 0, columns[BILLS[month]].clip(0) * share).clip(0, 1_684_259).round()

    # As in the real data, what a delay means depends on the debt beside it, so a linear model falls short.
    late = statuses[:, 0].clip(0, 2)
    never_late = (statuses <= 0).all(axis=1)
    strapped = used_share > 0.5
    log_odds = (
        1.0 * late * (1 + strapped)
        - 1.5 * never_late * strapped
        + 0.8 * never_late * (used_share < 0.2)
        - 0.6 * np.log(limit / 140_000) * (late == 0)
    )
    columns["default.payment.next.month"] = draw_defaults(generator, log_odds, share=0.2212)
    return columns


EXAMPLE: dict[str, float | int | str] = {
    "LIMIT_BAL": 120000, "SEX": 2, "EDUCATION": 2, "MARRIAGE": 2, "AGE": 26,
    "PAY_0": -1, "PAY_2": 2, "PAY_3": 0, "PAY_4": 0, "PAY_5": 0, "PAY_6": 2,
    "BILL_AMT1": 2682, "BILL_AMT2": 1725, "BILL_AMT3": 2682,
    "BILL_AMT4": 3272, "BILL_AMT5": 3455, "BILL_AMT6": 3261,
    "PAY_AMT1": 0, "PAY_AMT2": 1000, "PAY_AMT3": 1000,
    "PAY_AMT4": 1000, "PAY_AMT5": 0, "PAY_AMT6": 2000,
}  # fmt: skip

SCORECARD = Scorecard(
    name="card_default",
    title="Default of credit card clients",
    purpose=(
        "Estimates how likely a credit card client is to miss next month's payment, from the credit limit and six "
        "months of repayment status, bills and payments. A lender uses it to approve or decline further credit on an "
        "account that it has had for half a year, and to sort accounts into risk bands."
    ),
    limits=(
        "The clients are of one bank in Taiwan in 2005, in the middle of a crisis of card debt: another country, "
        "decade or bank needs data of its own.",
        "The data hold clients who were given a card. Of applicants who were declined nothing is known.",
        "Default means one missed payment in the next month, not ninety days past due, and looks no further ahead.",
        "Repayment status codes -2 and 0 are not in the published description; they are taken as no use of credit and "
        "as revolving credit.",
        "Six months of history are needed: a new client cannot be scored.",
    ),
    application=CardApplication,
    key="ID",
    target="default.payment.next.month",
    codes=frozenset({"SEX", "EDUCATION", "MARRIAGE"}),
    protected=frozenset({"SEX", "MARRIAGE", "AGE"}),
    # Declines where the expected loss outweighs the margin: PD > margin / (margin + LGD), with a
    # margin of 25 % of the balance on a revolving card and a loss given default of 75 %.
    cutoff=0.25,
    reasons=REASONS,
    labels=LABELS,
    dialects=(published(CardApplication, EXAMPLE),),
    bands=(
        RiskBand("A", 0.05),
        RiskBand("B", 0.10),
        RiskBand("C", 0.20),
        RiskBand("D", 0.40),
        RiskBand("E", 1.01),
    ),
    sources=(
        Source(
            title="Default of Credit Card Clients",
            licence="CC BY 4.0",
            citation="I-Cheng Yeh, Default of Credit Card Clients, UCI Machine Learning Repository, 2009",
            files=(
                SourceFile(
                    file_name="UCI_Credit_Card.csv",
                    sha256="a0f0ab49d6326671d6cd83be5c88dcf18007025fe9a53ecd699119c871176ca1",
                    rows=30_000,
                ),
            ),
        ),
    ),
    features={
        "published": published_features,
        "engineered": engineered_features,
        "stepped": stepped_features,
    },
    sample=sample,
    example=EXAMPLE,
    # Of the newest month, which a client could still have done otherwise; the months before it are past, and the limit
    # is the lender's. The status: what is overdue is brought up to date (0), or the whole bill is paid (-1). The
    # payment settles the bill of the month before.
    changeable=(
        Changeable("PAY_0", "down", minimum=-1, maximum=9),
        Changeable("PAY_AMT1", "up", minimum=0, maximum=1_000_000, step=500, at_most="BILL_AMT2"),
        Changeable("BILL_AMT1", "down", minimum=0, maximum=1_000_000, step=500),
    ),
)  # fmt: skip
