"""Sample months and payments of the credits at this lender: POS and cash loans, credit cards, instalments."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from training.tables.home_credit.clients import Clients
from training.tables.home_credit.loans import Loans
from training.tables.sampling import Floats, Integers, blank, cents, code, pick
from training.tables.table import RawTable

MONTHS_BACK = 96


def _expand(counts: Integers) -> tuple[Integers, Integers]:
    """Return for each row its parent's position, and its number among the parent's rows, from 0."""
    parent = np.repeat(np.arange(len(counts)), counts)
    return parent, np.arange(len(parent)) - np.repeat(np.cumsum(counts) - counts, counts)


def _late(random: np.random.Generator, share: Floats, mean: float) -> Integers:
    """Return days past due: none for most rows, few for most of the others."""
    days = np.ceil(random.gamma(0.5, mean * 2, len(share)))
    return np.where(random.random(len(share)) < share.clip(0, 0.7), days, 0).astype(np.int64).clip(0, 4_000)


def draw_pos(
    random: np.random.Generator, clients: Clients, table: RawTable, loans: Loans
) -> dict[str, NDArray[np.generic]]:
    """Draw the columns of POS_CASH_balance: each month of a loan from its first instalment to its last, or to now."""
    status = {column.name: column for column in table.columns}["NAME_CONTRACT_STATUS"]
    start = np.ceil(loans.first_due / 30).clip(-MONTHS_BACK, -1).astype(np.int64)
    months = np.where(loans.card, 0, np.minimum(loans.paid + 1, -start))
    loan, number = _expand(months)
    rows = len(loan)
    conduct = clients.conduct[loans.owner[loan]]
    over = number >= loans.paid[loan]
    drawn = pick(
        status, random.random(rows), among=["Active", "Demand", "Returned to the store", "Approved", "Amortized debt"]
    )
    signed = (number == 0) & (random.random(rows) < 0.1)
    left = (loans.term[loan] - number).clip(0)
    late = _late(random, 0.022 * np.exp(0.8 * conduct), 12.0)
    unknown = random.random(rows) < 0.0026
    return {
        "SK_ID_PREV": loans.ids[loan],
        "SK_ID_CURR": clients.ids[loans.owner[loan]],
        "MONTHS_BALANCE": start[loan] + number,
        "CNT_INSTALMENT": blank(loans.term[loan], unknown),
        "CNT_INSTALMENT_FUTURE": blank(np.where(over, 0, left), unknown),
        "NAME_CONTRACT_STATUS": np.where(
            over, code(status, "Completed"), np.where(signed, code(status, "Signed"), drawn)
        ),
        "SK_DPD": late,
        "SK_DPD_DEF": np.where(random.random(rows) < 0.4, late, 0),
    }


def draw_card(
    random: np.random.Generator, clients: Clients, table: RawTable, loans: Loans
) -> dict[str, NDArray[np.generic]]:
    """Draw the columns of credit_card_balance: each month of a card since its first due date."""
    columns = {column.name: column for column in table.columns}
    status = columns["NAME_CONTRACT_STATUS"]
    card, number = _expand(np.where(loans.card, loans.paid, 0))
    months = loans.paid[card]
    rows, cards = len(card), len(loans.ids)
    habit = clients.conduct[loans.owner] + 0.5 * random.standard_normal(cards)
    limits = random.choice([45_000, 90_000, 135_000, 180_000, 225_000, 270_000, 450_000], cards)
    limit = limits[card].astype(np.float64)
    # A card that is not drawn on has no balance; the worse the habit, the nearer the balance to the limit.
    idle = (random.random(cards) < 0.35)[card] | (random.random(rows) < 0.2)
    used = expit(-0.9 + 0.8 * habit[card] + 0.7 * random.standard_normal(rows))
    balance = np.where(idle, 0.0, cents(limit * used * 1.05))
    minimum = np.where(idle, 0.0, cents(balance * 0.05))
    share = np.where(random.random(rows) < 0.12 * np.exp(0.5 * habit[card]), random.random(rows), 1.0)
    paid = cents(minimum * share * (1 + random.exponential(0.8, rows)))
    atm = np.where(idle | (random.random(rows) < 0.7), 0.0, np.round(balance * random.beta(1, 4, rows) / 450) * 450)
    pos = np.where(idle | (random.random(rows) < 0.6), 0.0, cents(balance * random.beta(1, 6, rows)))
    other = np.where(random.random(rows) < 0.003, np.round(random.exponential(30_000, rows)), 0.0)
    atm_count, other_count = np.ceil(atm / 20_000), (other > 0).astype(np.int64)
    pos_count = np.where(pos > 0, random.poisson(3, rows) + 1, 0)
    late = _late(random, 0.03 * np.exp(0.8 * habit[card]), 8.0)
    undrawn = (random.random(cards) < columns["AMT_DRAWINGS_ATM_CURRENT"].missing)[card]
    no_minimum = number < (0.062 * months)
    over = (number == months - 1) & (random.random(rows) < 0.3)
    drawn = pick(status, random.random(rows), without=["Completed"])
    data: dict[str, NDArray[np.generic]] = {
        "SK_ID_PREV": loans.ids[card],
        "SK_ID_CURR": clients.ids[loans.owner[card]],
        "MONTHS_BALANCE": number - months,
        "AMT_BALANCE": balance,
        "AMT_CREDIT_LIMIT_ACTUAL": limit,
        "AMT_DRAWINGS_ATM_CURRENT": blank(atm, undrawn),
        "AMT_DRAWINGS_CURRENT": atm + pos + other,
        "AMT_DRAWINGS_OTHER_CURRENT": blank(other, undrawn),
        "AMT_DRAWINGS_POS_CURRENT": blank(pos, undrawn),
        "AMT_INST_MIN_REGULARITY": blank(minimum, no_minimum),
        "AMT_PAYMENT_CURRENT": blank(paid, undrawn | (random.random(rows) < 0.006)),
        "AMT_PAYMENT_TOTAL_CURRENT": paid,
        "AMT_RECEIVABLE_PRINCIPAL": cents(balance * 0.95),
        "AMT_RECIVABLE": balance,
        "AMT_TOTAL_RECEIVABLE": balance,
        "CNT_DRAWINGS_ATM_CURRENT": blank(atm_count, undrawn),
        "CNT_DRAWINGS_CURRENT": atm_count + pos_count + other_count,
        "CNT_DRAWINGS_OTHER_CURRENT": blank(other_count, undrawn),
        "CNT_DRAWINGS_POS_CURRENT": blank(pos_count, undrawn),
        "CNT_INSTALMENT_MATURE_CUM": blank(number, no_minimum),
        "NAME_CONTRACT_STATUS": np.where(over, code(status, "Completed"), drawn),
        "SK_DPD": late,
        "SK_DPD_DEF": np.where(random.random(rows) < 0.3, late, 0),
    }
    return data


def draw_payments(random: np.random.Generator, clients: Clients, loans: Loans) -> dict[str, NDArray[np.generic]]:
    """Draw the columns of installments_payments: each instalment due before the application, some paid in two parts."""
    loan, number = _expand(loans.paid)
    conduct = clients.conduct[loans.owner] + 0.5 * random.standard_normal(len(loans.ids))
    split = random.random(len(loan)) < (0.03 * np.exp(0.4 * conduct[loan])).clip(0, 0.5)
    instalment, part = _expand(1 + split)
    loan, number = loan[instalment], number[instalment]
    rows, habit = len(loan), conduct[loan]
    due = loans.first_due[loan] + 30 * number
    amount = cents(loans.annuity * random.uniform(0.97, 1.03, len(loans.ids)))[loan]
    late = random.random(rows) < (0.06 * np.exp(0.8 * habit)).clip(0, 0.7)
    early = np.floor(random.gamma(1.2, 8.5, rows) * np.exp(-0.15 * habit))
    delay = np.where(late, np.ceil(random.gamma(0.7, 14, rows) * np.exp(0.2 * habit)), -early)
    # The second part follows the first.
    entry = np.maximum(due + delay + 3 * part, loans.decision[loan])
    whole = np.where(random.random(rows) < (0.02 * np.exp(0.6 * habit)).clip(0, 0.4), random.uniform(0.1, 1, rows), 1.0)
    shares = random.uniform(0.2, 0.8, len(split))[instalment]
    share = np.where(split[instalment], np.where(part == 0, shares, 1 - shares), whole)
    # What has not been paid at the application has no day of payment.
    unpaid = entry > -1
    version = np.where(loans.card[loan], 0, 1 + random.binomial(1, 0.12, rows))
    return {
        "SK_ID_PREV": loans.ids[loan],
        "SK_ID_CURR": clients.ids[loans.owner[loan]],
        "NUM_INSTALMENT_VERSION": version,
        "NUM_INSTALMENT_NUMBER": number + 1,
        "DAYS_INSTALMENT": due,
        "DAYS_ENTRY_PAYMENT": blank(entry, unpaid),
        "AMT_INSTALMENT": amount,
        "AMT_PAYMENT": blank(cents(amount * share), unpaid),
    }
