"""The reason groups of german_credit, and what each may say; the codes are those of the data set."""

from __future__ import annotations

from scoring.scorecard import ReasonGroup
from scoring.statements import Statement, above, below, differs, equal, lower

CHECKING, SAVINGS = "Status of existing checking account", "Savings account/bonds"
HISTORY, CREDITS, PLANS = "Credit history", "Number of existing credits at this bank", "Other installment plans"
AMOUNT, DURATION, PURPOSE = "Credit amount", "Duration in month", "Purpose"
RATE = "Installment rate in percentage of disposable income"
EMPLOYED, JOB = "Present employment since", "Job"
HOUSING, RESIDENCE, PROPERTY = "Housing", "Present residence since", "Property"
GUARANTORS, TELEPHONE = "Other debtors / guarantors", "Telephone"
DEPENDANTS = "Number of people being liable to provide maintenance for"

REASONS = (
    ReasonGroup(
        "ACCOUNTS",
        "The checking and the savings account count against the application.",
        (CHECKING, SAVINGS),
        (
            Statement("OVERDRAWN", "The checking account is overdrawn.", equal(CHECKING, "A11")),
            Statement("CHECKING_TOO_LOW", "The balance of the checking account is too low.", equal(CHECKING, "A12")),
            Statement("SAVINGS_TOO_LOW", "The savings are too low.", lower(SAVINGS, "A61", "A62", "A63", "A64")),
            Statement("SAVINGS_NOT_KNOWN", "No savings account is known.", equal(SAVINGS, "A65")),
            Statement("SAVINGS_BELOW_1000", "The savings are below 1,000 DM.", equal(SAVINGS, "A61", "A62", "A63")),
            Statement("NO_CHECKING_ACCOUNT", "There is no checking account.", equal(CHECKING, "A14")),
            Statement(
                "CHECKING_OTHER", "The checking account counts against the application.", differs(CHECKING)
            ),
            Statement("SAVINGS_OTHER", "The savings account counts against the application.", differs(SAVINGS)),
        ),
    ),
    ReasonGroup(
        "CREDIT_HISTORY",
        "The history and the number of credits with this bank and others count against the application.",
        (HISTORY, CREDITS, PLANS),
        (
            Statement("DELAYS", "There were delays in paying off credits in the past.", equal(HISTORY, "A33")),
            Statement(
                "CRITICAL", "The account is critical, or there are credits at other banks.", equal(HISTORY, "A34")
            ),
            Statement("OTHER_PLANS", "There are other instalment plans.", equal(PLANS, "A141", "A142")),
            Statement("TOO_MANY_CREDITS", "The number of credits at this bank is too high.", above(CREDITS, floor=1)),
            Statement(
                "NOTHING_OPEN",
                "Credits were all paid back, or none was taken, which says too little about the applicant.",
                equal(HISTORY, "A30", "A31"),
            ),
            Statement("HISTORY_OTHER", "The credit history counts against the application.", differs(HISTORY)),
            Statement("TOO_FEW_CREDITS", "The number of credits at this bank is too low.", below(CREDITS)),
            Statement("NO_OTHER_PLANS", "There is no instalment plan elsewhere.", equal(PLANS, "A143")),
            Statement("PLANS_OTHER", "The other instalment plans count against the application.", differs(PLANS)),
        ),
    ),
    ReasonGroup(
        "LOAN",
        "The amount, the duration, the instalments or the purpose of the loan counts against the application.",
        (AMOUNT, DURATION, RATE, PURPOSE),
        (
            Statement("AMOUNT_TOO_HIGH", "The amount of the loan is too high.", above(AMOUNT)),
            Statement("TOO_LONG", "The duration of the loan is too long.", above(DURATION)),
            Statement("INSTALMENTS_TOO_HIGH", "The instalments are too high for the income.", above(RATE)),
            Statement("PURPOSE", "The purpose of the loan counts against the application.", differs(PURPOSE)),
            Statement("AMOUNT_TOO_LOW", "The amount of the loan is too low.", below(AMOUNT)),
            Statement("TOO_SHORT", "The duration of the loan is too short.", below(DURATION)),
            Statement("INSTALMENTS_TOO_LOW", "The instalments are too low for the income.", below(RATE)),
        ),
    ),
    ReasonGroup(
        "EMPLOYMENT",
        "The employment counts against the application.",
        (EMPLOYED, JOB),
        (
            Statement("NOT_EMPLOYED", "The applicant is not employed.", equal(EMPLOYED, "A71")),
            Statement(
                "TOO_SHORT", "The present employment is too short.", lower(EMPLOYED, "A72", "A73", "A74", "A75")
            ),
            Statement(
                "SKILLS_TOO_LOW", "The level of the job is too low.", lower(JOB, "A171", "A172", "A173", "A174")
            ),
            Statement("JOB_OTHER", "The level of the job counts against the application.", differs(JOB)),
            Statement(
                "TIME_OTHER", "The time in the present employment counts against the application.", differs(EMPLOYED)
            ),
        ),
    ),
    ReasonGroup(
        "HOUSING_AND_PROPERTY",
        "Housing, time at the present address or property counts against the application.",
        (HOUSING, RESIDENCE, PROPERTY),
        (
            Statement("NO_PROPERTY", "No property is known.", equal(PROPERTY, "A124")),
            Statement(
                "PROPERTY_TOO_LOW", "The property is not sufficient.", lower(PROPERTY, "A124", "A123", "A122", "A121")
            ),
            Statement("HOME_NOT_OWNED", "The applicant does not own the home.", equal(HOUSING, "A151", "A153")),
            Statement("RESIDENCE_TOO_SHORT", "The time at the present address is too short.", below(RESIDENCE)),
            Statement(
                "RESIDENCE_OTHER", "The time at the present address counts against the application.",
                above(RESIDENCE),
            ),
            Statement("HOUSING_OTHER", "The kind of housing counts against the application.", differs(HOUSING)),
            Statement("PROPERTY_OTHER", "The kind of property counts against the application.", differs(PROPERTY)),
        ),
    ),
    ReasonGroup(
        "GUARANTORS_AND_HOUSEHOLD",
        "Guarantors, the number of dependants or the telephone counts against the application.",
        (GUARANTORS, DEPENDANTS, TELEPHONE),
        (
            Statement("NO_GUARANTOR", "There is no guarantor.", equal(GUARANTORS, "A101", "A102")),
            Statement("NO_TELEPHONE", "No telephone is registered.", equal(TELEPHONE, "A191")),
            Statement("TOO_MANY_DEPENDANTS", "The number of dependants is too high.", above(DEPENDANTS)),
            Statement("TOO_FEW_DEPENDANTS", "The number of dependants counts against the application.",
                      below(DEPENDANTS)),
            Statement(
                "GUARANTORS_OTHER", "That others are liable for the loan counts against the application.",
                equal(GUARANTORS, "A102", "A103"),
            ),
            Statement("GUARANTORS_NONE_OR_ONE", "The kind of guarantee counts against the application.",
                      differs(GUARANTORS)),
            Statement("TELEPHONE", "The registered telephone counts against the application.",
                      equal(TELEPHONE, "A192")),
        ),
    ),
)  # fmt: skip
