"""The reason groups of card_default, and what each may say.

Statuses are -2 no consumption, -1 paid, 0 revolving, n months late. Month 1 is the newest.
"""

from __future__ import annotations

from scoring.scorecard import ReasonGroup
from scoring.statements import Statement, Total, above, below, differs, equal

STATUSES = ("PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6")
BILLS = tuple(f"BILL_AMT{month}" for month in range(1, 7))
PAYMENTS = tuple(f"PAY_AMT{month}" for month in range(1, 7))


def _statuses(months: str, columns: tuple[str, ...]) -> tuple[Statement, ...]:
    return (
        Statement("LATE", f"A payment was late in at least one of the {months}.", above(*columns, floor=0)),
        Statement(
            "NOT_PAID_IN_FULL",
            f"The bill was not paid in full in at least one of the {months}.",
            above(*columns, floor=-1),
        ),
        Statement("NOT_USED", f"The card was not used in at least one of the {months}.", equal(columns, -2)),
        Statement(
            "NOTHING_REVOLVED",
            f"In at least one of the {months} the bill was paid at once, which says little about credit that is paid "
            "back over time.",
            equal(columns, -1),
        ),
    )


REASONS = (
    ReasonGroup(
        "RECENT_PAYMENT_DELAY",
        "The status of payment in the last two months counts against the application.",
        STATUSES[:2],
        _statuses("last two months", STATUSES[:2]),
    ),
    ReasonGroup(
        "EARLIER_PAYMENT_DELAYS",
        "The status of payment three to six months ago counts against the application.",
        STATUSES[2:],
        _statuses("months three to six months ago", STATUSES[2:]),
    ),
    ReasonGroup(
        "BALANCES",
        "The bills of the last six months count against the application.",
        BILLS,
        (
            Statement("TOO_HIGH", "The bills of the last six months are too high.", above(Total(BILLS), floor=0)),
            Statement(
                "GROWN",
                "The bills have grown too much over the last six months.",
                above(Total((BILLS[0],), (BILLS[-1],)), floor=0),
            ),
            Statement(
                "TOO_HIGH_IN_A_MONTH",
                "The bill of at least one of the last six months is too high.",
                above(*BILLS, floor=0),
            ),
            Statement(
                "NONE",
                "No bill of the last six months was above zero, so that nothing shows how bills are paid.",
                tuple(below(bill, ceiling=5e-324, compared=False) for bill in BILLS),
            ),
            Statement(
                "TOO_LOW",
                "The bill of at least one of the last six months is too low to show how bills are paid.",
                below(*BILLS),
            ),
        ),
    ),
    ReasonGroup(
        "PAYMENT_AMOUNTS",
        "The amounts paid in the last six months count against the application.",
        PAYMENTS,
        (
            Statement("TOO_LOW", "The amounts paid in the last six months are too low.", below(Total(PAYMENTS))),
            Statement(
                "TOO_LOW_IN_A_MONTH",
                "The amount paid in at least one of the last six months is too low.",
                below(*PAYMENTS),
            ),
            Statement(
                "UNUSUALLY_HIGH",
                "The amount paid in at least one of the last six months is unusually high.",
                above(*PAYMENTS),
            ),
        ),
    ),
    ReasonGroup(
        "CREDIT_LIMIT",
        "The credit limit of the account counts against the application.",
        ("LIMIT_BAL",),
        (
            Statement("TOO_LOW", "The credit limit of the account is too low.", below("LIMIT_BAL")),
            Statement("TOO_HIGH", "The credit limit of the account is too high already.", above("LIMIT_BAL")),
        ),
    ),
    ReasonGroup(
        "EDUCATION",
        "The education that was stated counts against the application.",
        ("EDUCATION",),
        (
            Statement(
                "TOO_LOW", "The level of education that was stated is too low.", above("EDUCATION", within=(1, 3))
            ),
            Statement("NOT_KNOWN", "No known level of education was stated.", equal("EDUCATION", 0, 4, 5, 6)),
            Statement("OTHER", "The education that was stated counts against the application.", differs("EDUCATION")),
        ),
    ),
)
