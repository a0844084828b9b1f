"""When each sentence of a letter is true of an applicant's fields: written out, without the statements' own facts.

A test takes a sentence that is not here for an untrue one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.scorecards import load

Truth = NDArray[np.bool_]
Values = Mapping[str, float | str | None]
"""Of the reference applicant."""
Sentence = Callable[[pd.DataFrame, Values], Truth]


def more(*columns: str, than: float = -np.inf, beyond: float = np.inf) -> Sentence:
    """At least one number is above `than`, and above the approved applicant's; `beyond` begins what is no number."""

    def true(rows: pd.DataFrame, approved: Values) -> Truth:
        found = np.zeros(len(rows), dtype=bool)
        for column in columns:
            own = approved.get(column)
            other = float(own) if own is not None and float(own) < beyond else -np.inf
            values = rows[column].astype(float)
            found |= ((values > than) & (values > other) & (values < beyond)).to_numpy()
        return found

    return true


def less(*columns: str) -> Sentence:
    """At least one number is below the approved applicant's."""

    def true(rows: pd.DataFrame, approved: Values) -> Truth:
        found = np.zeros(len(rows), dtype=bool)
        for column in columns:
            if (own := approved.get(column)) is not None:
                found |= (rows[column].astype(float) < float(own)).to_numpy()
        return found

    return true


def sum_more(columns: tuple[str, ...], than: float = -np.inf) -> Sentence:
    """The sum is above `than` and above the approved applicant's."""

    def true(rows: pd.DataFrame, approved: Values) -> Truth:
        total = rows[list(columns)].sum(axis=1)
        return ((total > than) & (total > sum(float(approved[c] or 0) for c in columns))).to_numpy()

    return true


def sum_less(columns: tuple[str, ...]) -> Sentence:
    """The sum is below the approved applicant's."""
    return lambda rows, approved: (
        rows[list(columns)].sum(axis=1) < sum(float(approved[c] or 0) for c in columns)
    ).to_numpy()


def is_one_of(column: str, *values: object) -> Sentence:
    """The field has one of these values."""
    return lambda rows, approved: rows[column].isin(values).to_numpy()


def any_is(columns: tuple[str, ...], value: object) -> Sentence:
    """At least one of the fields has this value."""
    return lambda rows, approved: (rows[list(columns)] == value).any(axis=1).to_numpy()


def not_given(*columns: str) -> Sentence:
    """At least one of the fields is missing."""
    return lambda rows, approved: rows[list(columns)].isna().any(axis=1).to_numpy()


def all_zero(*columns: str) -> Sentence:
    """Nothing is known in any of the columns."""
    return lambda rows, approved: (rows[list(columns)].fillna(0) == 0).all(axis=1).to_numpy()


def other(*columns: str) -> Sentence:
    """At least one of the fields is given, and is not the approved applicant's: no direction is claimed."""

    def true(rows: pd.DataFrame, approved: Values) -> Truth:
        found = np.zeros(len(rows), dtype=bool)
        for column in columns:
            own, values = approved.get(column), rows[column]
            same = values == own if isinstance(own, str) or own is None else values.astype(float) == own
            found |= (values.notna() & ~same).to_numpy()
        return found

    return true


def comes_before(column: str, *order: str) -> Sentence:
    """The field comes before the approved applicant's in this order."""

    def true(rows: pd.DataFrame, approved: Values) -> Truth:
        place = {value: number for number, value in enumerate(order)}
        own = place.get(str(approved[column]), -1)
        return (rows[column].map(place).astype(float) < own).to_numpy()

    return true


def both(*sentences: Sentence) -> Sentence:
    """All of them are true."""
    return lambda rows, approved: np.logical_and.reduce([sentence(rows, approved) for sentence in sentences])


def employed(rows: pd.DataFrame, approved: Values) -> Truth:
    """The applicant has an employment."""
    return (rows["DAYS_EMPLOYED"] <= 0).to_numpy()


RECENT, EARLIER = ("PAY_0", "PAY_2"), ("PAY_3", "PAY_4", "PAY_5", "PAY_6")
BILLS = tuple(f"BILL_AMT{month}" for month in range(1, 7))
PAID = tuple(f"PAY_AMT{month}" for month in range(1, 7))


def _months(text: str, columns: tuple[str, ...]) -> dict[str, Sentence]:
    return {
        f"A payment was late in at least one of the {text}.": more(*columns, than=0),
        f"The bill was not paid in full in at least one of the {text}.": more(*columns, than=-1),
        f"The card was not used in at least one of the {text}.": any_is(columns, -2),
        f"In at least one of the {text} the bill was paid at once, which says little about credit that is paid back "
        "over time.": any_is(columns, -1),
    }


CARD_DEFAULT: dict[str, Sentence] = {
    **_months("last two months", RECENT),
    **_months("months three to six months ago", EARLIER),
    "The bills of the last six months are too high.": both(sum_more(BILLS, than=0), more(*BILLS, than=0)),
    "The bills have grown too much over the last six months.": lambda rows, approved: (
        (rows["BILL_AMT1"] > rows["BILL_AMT6"])
        & (
            rows["BILL_AMT1"] - rows["BILL_AMT6"]
            > float(approved["BILL_AMT1"] or 0) - float(approved["BILL_AMT6"] or 0)
        )
    ).to_numpy(),
    "The bill of at least one of the last six months is too high.": more(*BILLS, than=0),
    "No bill of the last six months was above zero, so that nothing shows how bills are paid.": (
        lambda rows, approved: (rows[list(BILLS)] <= 0).all(axis=1).to_numpy()
    ),
    "The bill of at least one of the last six months is too low to show how bills are paid.": less(*BILLS),
    "The amounts paid in the last six months are too low.": sum_less(PAID),
    "The amount paid in at least one of the last six months is too low.": less(*PAID),
    "The amount paid in at least one of the last six months is unusually high.": more(*PAID),
    "The credit limit of the account is too low.": less("LIMIT_BAL"),
    "The credit limit of the account is too high already.": more("LIMIT_BAL"),
    "The level of education that was stated is too low.": both(
        is_one_of("EDUCATION", 2, 3), more("EDUCATION", beyond=4)
    ),
    "No known level of education was stated.": is_one_of("EDUCATION", 0, 4, 5, 6),
    "The education that was stated counts against the application.": other("EDUCATION"),
}
CHECKING, SAVINGS = "Status of existing checking account", "Savings account/bonds"
HISTORY, CREDITS, PLANS = "Credit history", "Number of existing credits at this bank", "Other installment plans"
EMPLOYED, GUARANTORS = "Present employment since", "Other debtors / guarantors"
DEPENDANTS = "Number of people being liable to provide maintenance for"
RATE = "Installment rate in percentage of disposable income"
GERMAN_CREDIT: dict[str, Sentence] = {
    "The checking account is overdrawn.": is_one_of(CHECKING, "A11"),
    "The balance of the checking account is too low.": is_one_of(CHECKING, "A12"),
    "There is no checking account.": is_one_of(CHECKING, "A14"),
    "The savings are too low.": comes_before(SAVINGS, "A61", "A62", "A63", "A64"),
    "The savings are below 1,000 DM.": is_one_of(SAVINGS, "A61", "A62", "A63"),
    "No savings account is known.": is_one_of(SAVINGS, "A65"),
    "The checking account counts against the application.": other(CHECKING),
    "The savings account counts against the application.": other(SAVINGS),
    "There were delays in paying off credits in the past.": is_one_of(HISTORY, "A33"),
    "The account is critical, or there are credits at other banks.": is_one_of(HISTORY, "A34"),
    "There are other instalment plans.": is_one_of(PLANS, "A141", "A142"),
    "There is no instalment plan elsewhere.": is_one_of(PLANS, "A143"),
    "The other instalment plans count against the application.": is_one_of(PLANS, "A141", "A142"),
    "The number of credits at this bank is too high.": more(CREDITS, than=1),
    "The number of credits at this bank is too low.": less(CREDITS),
    "Credits were all paid back, or none was taken, which says too little about the applicant.": is_one_of(
        HISTORY, "A30", "A31"
    ),
    "The credit history counts against the application.": other(HISTORY),
    "The amount of the loan is too high.": more("Credit amount"),
    "The amount of the loan is too low.": less("Credit amount"),
    "The duration of the loan is too long.": more("Duration in month"),
    "The duration of the loan is too short.": less("Duration in month"),
    "The instalments are too high for the income.": more(RATE),
    "The instalments are too low for the income.": less(RATE),
    "The purpose of the loan counts against the application.": other("Purpose"),
    "The applicant is not employed.": is_one_of(EMPLOYED, "A71"),
    "The present employment is too short.": comes_before(EMPLOYED, "A72", "A73", "A74", "A75"),
    "The time in the present employment counts against the application.": other(EMPLOYED),
    "The level of the job is too low.": comes_before("Job", "A171", "A172", "A173", "A174"),
    "The level of the job counts against the application.": other("Job"),
    "No property is known.": is_one_of("Property", "A124"),
    "The property is not sufficient.": comes_before("Property", "A124", "A123", "A122", "A121"),
    "The kind of property counts against the application.": other("Property"),
    "The applicant does not own the home.": is_one_of("Housing", "A151", "A153"),
    "The kind of housing counts against the application.": other("Housing"),
    "The time at the present address is too short.": less("Present residence since"),
    "The time at the present address counts against the application.": other("Present residence since"),
    "There is no guarantor.": is_one_of(GUARANTORS, "A101", "A102"),
    "That others are liable for the loan counts against the application.": is_one_of(GUARANTORS, "A102", "A103"),
    "The kind of guarantee counts against the application.": other(GUARANTORS),
    "No telephone is registered.": is_one_of("Telephone", "A191"),
    "The registered telephone counts against the application.": is_one_of("Telephone", "A192"),
    "The number of dependants is too high.": more(DEPENDANTS),
    "The number of dependants counts against the application.": other(DEPENDANTS),
}
LEVELS = (
    "Lower secondary", "Secondary / secondary special", "Incomplete higher", "Higher education", "Academic degree",
)  # fmt: skip
INCOME_AND_WORK: dict[str, Sentence] = {
    "The income is too low.": less("AMT_INCOME_TOTAL"),
    "The source of the income counts against the application.": other("NAME_INCOME_TYPE"),
    "The amount of the income counts against the application.": other("AMT_INCOME_TOTAL"),
    "The applicant is not employed.": is_one_of("DAYS_EMPLOYED", 365_243),
    # Days count back, so nearer to today is more.
    "The present employment is too short.": both(more("DAYS_EMPLOYED", beyond=1), employed),
    "The time in the present employment counts against the application.": both(other("DAYS_EMPLOYED"), employed),
    "The occupation was not given.": not_given("OCCUPATION_TYPE"),
    "The occupation counts against the application.": other("OCCUPATION_TYPE"),
    "The level of education that was stated is too low.": comes_before("NAME_EDUCATION_TYPE", *LEVELS),
    "The education that was stated counts against the application.": other("NAME_EDUCATION_TYPE"),
    "The applicant owns no real estate.": is_one_of("FLAG_OWN_REALTY", "N"),
    "The applicant owns no car.": is_one_of("FLAG_OWN_CAR", "N"),
    "The kind of housing counts against the application.": other("NAME_HOUSING_TYPE"),
    "The property of the applicant counts against the application.": any_is(("FLAG_OWN_REALTY", "FLAG_OWN_CAR"), "Y"),
}
CONTACTS = ("FLAG_WORK_PHONE", "FLAG_PHONE", "FLAG_EMAIL")
CARD_APPROVAL: dict[str, Sentence] = {
    **INCOME_AND_WORK,
    "The household is too large.": more("CNT_FAM_MEMBERS"),
    "The household is too small.": less("CNT_FAM_MEMBERS"),
    "There are too many children.": more("CNT_CHILDREN", than=0),
    "The number of children counts against the application.": other("CNT_CHILDREN"),
    "No telephone at work was given.": is_one_of("FLAG_WORK_PHONE", 0),
    "No telephone at home was given.": is_one_of("FLAG_PHONE", 0),
    "No address for e-mail was given.": is_one_of("FLAG_EMAIL", 0),
    "The ways to reach the applicant that were given count against the application.": any_is(CONTACTS, 1),
}
FIELDS = tuple(rule.column for rule in load("home_credit").rules)
PAST = tuple(load("home_credit").history)


def fields(*beginnings: str) -> tuple[str, ...]:
    """The columns of home_credit that begin so."""
    return tuple(name for name in (*FIELDS, *PAST) if name.startswith(beginnings))


SCORES, ENQUIRIES, BUREAU = fields("EXT_SOURCE"), fields("AMT_REQ"), fields("bureau_", "balance_")
EARLIER_LOANS = fields("previous_", "pos_", "card_", "installments_")
CIRCLE = fields("OBS_", "DEF_")
BUILDING = tuple(name for name in FIELDS if name.endswith(("_AVG", "_MODE", "_MEDI")))
ALL_CONTACTS = (*CONTACTS, "FLAG_MOBIL", "FLAG_EMP_PHONE", "FLAG_CONT_MOBILE")
CHANGES = ("DAYS_REGISTRATION", "DAYS_ID_PUBLISH", "DAYS_LAST_PHONE_CHANGE")
HOME_CREDIT: dict[str, Sentence] = {
    **INCOME_AND_WORK,
    "The scores that other institutions gave are too low.": less(*SCORES),
    "No other institution gave a score.": lambda rows, approved: rows[list(SCORES)].isna().all(axis=1).to_numpy(),
    "The score of another institution is not known.": not_given(*SCORES),
    "A score that another institution gave counts against the application.": other(*SCORES),
    "The credit bureau has no record of the applicant.": all_zero(*BUREAU),
    "The credit bureau reports delays in paying.": lambda rows, approved: (
        (rows[["bureau_bad_count", "bureau_overdue_count", "bureau_ever_overdue_count", "balance_late_count"]] > 0)
        .any(axis=1)
        .to_numpy()
    ),
    "The debts that the credit bureau reports are too high.": more(*(c for c in BUREAU if "debt" in c), than=0),
    "There were too many enquiries at the credit bureau.": more(*ENQUIRIES, than=0),
    "The number of enquiries at the credit bureau is not known.": not_given(*ENQUIRIES),
    "The number of enquiries at the credit bureau counts against the application.": other(*ENQUIRIES),
    "The record of the credit bureau counts against the application.": both(
        other(*BUREAU), lambda rows, approved: (rows["bureau_count"] > 0).to_numpy()
    ),
    "This lender knows no earlier application, loan or card of the applicant.": all_zero(*EARLIER_LOANS),
    "Earlier loans or cards of this lender were paid late or in part.": lambda rows, approved: (
        (rows[["pos_late_count", "card_late_count", "installments_late_count", "installments_short_count"]] > 0)
        .any(axis=1)
        .to_numpy()
    ),
    "This lender refused earlier applications.": lambda rows, approved: (rows["previous_refused_count"] > 0).to_numpy(),
    "Earlier applications, loans and cards of this lender count against the application.": other(*EARLIER_LOANS),
    "The amount of the loan is too high.": more("AMT_CREDIT"),
    "The amount of the loan is too low.": less("AMT_CREDIT"),
    "The annuity of the loan is too high.": more("AMT_ANNUITY"),
    "The annuity of the loan is too low.": less("AMT_ANNUITY"),
    "The annuity of the loan was not given.": not_given("AMT_ANNUITY"),
    "The price of the goods is too high.": more("AMT_GOODS_PRICE"),
    "The price of the goods is too low for the loan.": less("AMT_GOODS_PRICE"),
    "The price of the goods was not given.": not_given("AMT_GOODS_PRICE"),
    "The kind of the loan counts against the application.": other("NAME_CONTRACT_TYPE"),
    "The kind of employer counts against the application.": other("ORGANIZATION_TYPE"),
    "The size of the household counts against the application.": other("CNT_CHILDREN", "CNT_FAM_MEMBERS"),
    "The size of the household was not given.": not_given("CNT_FAM_MEMBERS"),
    "The region, or how far home, work and registration are apart, counts against the application.": other(
        *fields("REG", "LIVE_")
    ),
    "A document was not handed in.": any_is(fields("FLAG_DOCUMENT_"), 0),
    "The documents that were handed in count against the application.": any_is(fields("FLAG_DOCUMENT_"), 1),
    "A way to reach the applicant was not given.": any_is(ALL_CONTACTS, 0),
    "The ways to reach the applicant that were given count against the application.": any_is(ALL_CONTACTS, 1),
    "The age of the car counts against the application.": other("OWN_CAR_AGE"),
    "The age of a car was not given.": not_given("OWN_CAR_AGE"),
    "The time since registration, identity document or telephone changed counts against the application.": other(
        *CHANGES
    ),
    "The time since the last change of telephone is not known.": not_given("DAYS_LAST_PHONE_CHANGE"),
    "People around the applicant were late in paying.": more(*fields("DEF_"), than=0),
    "What is known of people around the applicant counts against the application.": other(*CIRCLE),
    "How people around the applicant pay is not known in full.": not_given(*CIRCLE),
    "The building in which the applicant lives counts against the application.": other(*BUILDING),
    "Something about the building in which the applicant lives was not given.": not_given(*BUILDING),
    "Who came along with the applicant counts against the application.": other("NAME_TYPE_SUITE"),
    "It is not known who came along with the applicant.": not_given("NAME_TYPE_SUITE"),
    "The weekday or the hour of the application counts against it.": other(
        "WEEKDAY_APPR_PROCESS_START", "HOUR_APPR_PROCESS_START"
    ),
}
TRUE_SENTENCES: dict[str, dict[str, Sentence]] = {
    "card_approval": CARD_APPROVAL,
    "card_default": CARD_DEFAULT,
    "german_credit": GERMAN_CREDIT,
    "home_credit": HOME_CREDIT,
}


def contradictions(
    scorecard: str, rows: pd.DataFrame, letters: Sequence[Sequence[str]], approved: Values
) -> list[tuple[int, str]]:
    """Return the sentences that are not true of their row, by the fields alone.

    Args:
        scorecard: its name.
        rows: declined applications, with every column that a graph may read.
        letters: the sentences told to each.
        approved: the reference applicant's values.
    """
    table = TRUE_SENTENCES[scorecard]
    truth: dict[str, Truth] = {}
    found = []
    for row, letter in enumerate(letters):
        for sentence in letter:
            if sentence in table and sentence not in truth:
                truth[sentence] = table[sentence](rows, approved)
            if sentence not in table or not truth[sentence][row]:
                found.append((row, sentence))
    return found
