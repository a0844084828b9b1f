"""The reason groups of card_approval, and what each may say."""

from __future__ import annotations

from scoring.scorecard import ReasonGroup
from scoring.statements import Statement, above, below, differs, equal, lower, missing

NOT_EMPLOYED = 365_243
"""Stands in DAYS_EMPLOYED for no employment; read as days it would be a thousand years."""
EDUCATION = ("Lower secondary", "Secondary / secondary special", "Incomplete higher", "Higher education",
             "Academic degree")  # fmt: skip
"""Levels of education; they rise."""

REASONS = (
    ReasonGroup(
        "INCOME",
        "The income, or where it comes from, counts against the application.",
        ("AMT_INCOME_TOTAL", "NAME_INCOME_TYPE"),
        (
            Statement("TOO_LOW", "The income is too low.", below("AMT_INCOME_TOTAL")),
            Statement(
                "SOURCE", "The source of the income counts against the application.", differs("NAME_INCOME_TYPE")
            ),
            Statement("OTHER", "The amount of the income counts against the application.", differs("AMT_INCOME_TOTAL")),
        ),
    ),
    ReasonGroup(
        "EMPLOYMENT",
        "The present employment or the occupation counts against the application.",
        ("DAYS_EMPLOYED", "OCCUPATION_TYPE"),
        (
            Statement("NOT_EMPLOYED", "The applicant is not employed.", equal("DAYS_EMPLOYED", NOT_EMPLOYED)),
            # Days count back from the application: nearer to 0 is shorter.
            Statement("TOO_SHORT", "The present employment is too short.", above("DAYS_EMPLOYED")),
            Statement("OCCUPATION_NOT_GIVEN", "The occupation was not given.", missing("OCCUPATION_TYPE")),
            Statement("OCCUPATION", "The occupation counts against the application.", differs("OCCUPATION_TYPE")),
            Statement(
                "TIME_OTHER",
                "The time in the present employment counts against the application.",
                differs("DAYS_EMPLOYED"),
            ),
        ),
    ),
    ReasonGroup(
        "EDUCATION",
        "The education that was stated counts against the application.",
        ("NAME_EDUCATION_TYPE",),
        (
            Statement(
                "TOO_LOW",
                "The level of education that was stated is too low.",
                lower("NAME_EDUCATION_TYPE", *EDUCATION),
            ),
            Statement(
                "OTHER",
                "The education that was stated counts against the application.",
                differs("NAME_EDUCATION_TYPE"),
            ),
        ),
    ),
    ReasonGroup(
        "HOUSING_AND_PROPERTY",
        "Housing or property counts against the application.",
        ("NAME_HOUSING_TYPE", "FLAG_OWN_REALTY", "FLAG_OWN_CAR"),
        (
            Statement("NO_REAL_ESTATE", "The applicant owns no real estate.", equal("FLAG_OWN_REALTY", "N")),
            Statement("NO_CAR", "The applicant owns no car.", equal("FLAG_OWN_CAR", "N")),
            Statement("HOUSING", "The kind of housing counts against the application.", differs("NAME_HOUSING_TYPE")),
            Statement(
                "PROPERTY",
                "The property of the applicant counts against the application.",
                equal(("FLAG_OWN_REALTY", "FLAG_OWN_CAR"), "Y"),
            ),
        ),
    ),
    ReasonGroup(
        "HOUSEHOLD",
        "The size of the household counts against the application.",
        ("CNT_CHILDREN", "CNT_FAM_MEMBERS"),
        (
            Statement("TOO_LARGE", "The household is too large.", above("CNT_FAM_MEMBERS")),
            Statement("TOO_MANY_CHILDREN", "There are too many children.", above("CNT_CHILDREN", floor=0)),
            Statement("TOO_SMALL", "The household is too small.", below("CNT_FAM_MEMBERS")),
            Statement("CHILDREN", "The number of children counts against the application.", below("CNT_CHILDREN")),
        ),
    ),
    ReasonGroup(
        "CONTACT",
        "The ways to reach the applicant count against the application.",
        ("FLAG_WORK_PHONE", "FLAG_PHONE", "FLAG_EMAIL"),
        (
            Statement("NO_WORK_PHONE", "No telephone at work was given.", equal("FLAG_WORK_PHONE", 0)),
            Statement("NO_PHONE", "No telephone at home was given.", equal("FLAG_PHONE", 0)),
            Statement("NO_EMAIL", "No address for e-mail was given.", equal("FLAG_EMAIL", 0)),
            Statement(
                "GIVEN",
                "The ways to reach the applicant that were given count against the application.",
                equal(("FLAG_WORK_PHONE", "FLAG_PHONE", "FLAG_EMAIL"), 1),
            ),
        ),
    ),
)
