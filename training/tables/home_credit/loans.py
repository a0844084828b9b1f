"""Sample applications that the clients made to this lender before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.tables.home_credit.clients import Clients
from training.tables.sampling import MISSING, Flags, Floats, Integers, blank, cents, code, correlated, flag, pick
from training.tables.table import Column, RawTable

FIRST_ID = 1_000_000
DAYS_BACK = 2922
NO_DATE = 365_243
# Clients without one, and applications of the others, for the published row count.
WITHOUT_PREVIOUS = 0.0535
PREVIOUS = 5.74
TERMS = np.array([6, 8, 10, 12, 18, 24, 36, 48, 60])
TERM_SHARES = np.array([0.2, 0.04, 0.18, 0.33, 0.07, 0.1, 0.04, 0.03, 0.01])
PLAIN = (
    "WEEKDAY_APPR_PROCESS_START", "FLAG_LAST_APPL_PER_CONTRACT", "NAME_PAYMENT_TYPE", "NAME_CLIENT_TYPE",
    "NAME_TYPE_SUITE", "CHANNEL_TYPE",
)  # fmt: skip


@dataclass(frozen=True)
class Loans:
    """The previous applications of a chunk that became credits, as what follows in the monthly tables needs them.

    `owner` is the position of the client, `first_due` the day of the first instalment, relative to the application;
    `paid` is how many instalments were paid or due before it; cards are those credits that revolve.
    """

    ids: Integers
    owner: Integers
    decision: Floats
    first_due: Floats
    annuity: Floats
    term: Integers
    paid: Integers
    card: Flags


def draw_previous(
    random: np.random.Generator, clients: Clients, table: RawTable, first: int
) -> tuple[dict[str, NDArray[np.generic]], Loans]:
    """Draw the columns of previous_application, keys from `first` on, and the credits among them."""
    columns = {column.name: column for column in table.columns}
    many = 1 + random.poisson(random.gamma(1.7, (PREVIOUS - 1) / 1.7, len(clients)))
    counts = np.where(random.random(len(clients)) < WITHOUT_PREVIOUS, 0, many.clip(max=77))
    owner = np.repeat(np.arange(len(clients)), counts)
    rows, conduct = len(owner), clients.conduct[owner]
    data: dict[str, NDArray[np.generic]] = {
        name: np.where(random.random(rows) < columns[name].missing, MISSING, pick(columns[name], random.random(rows)))
        for name in PLAIN
    }
    data["SK_ID_PREV"] = first + np.arange(rows)
    data["SK_ID_CURR"] = clients.ids[owner]
    status = pick(
        columns["NAME_CONTRACT_STATUS"],
        correlated(random, conduct, 0.35),
        among=["Approved", "Unused offer", "Canceled", "Refused"],
    )
    canceled = status == code(columns["NAME_CONTRACT_STATUS"], "Canceled")
    kind = _draw_kind(random, columns, canceled)
    data |= {"NAME_CONTRACT_STATUS": status, "NAME_CONTRACT_TYPE": kind}
    approved = status == code(columns["NAME_CONTRACT_STATUS"], "Approved")
    # No amount was ever named in canceled applications and a few others.
    named = ~canceled & (approved | (random.random(rows) > 0.17))
    # Cards were given earlier than loans, and who applies has mostly paid back the last loan.
    card = kind == code(columns["NAME_CONTRACT_TYPE"], "Revolving loans")
    back = random.beta(np.where(card, 1.9, np.where(approved, 1.3, 0.6)), np.where(card, 2.0, 2.2))
    decision = -1 - np.floor(DAYS_BACK * back).clip(0, DAYS_BACK - 1)
    data["DAYS_DECISION"] = decision
    data["HOUR_APPR_PROCESS_START"] = np.floor(random.normal(12.5, 3.3, rows).clip(0, 23))
    data["NFLAG_LAST_APPL_IN_DAY"] = flag(random, 0.9965, rows)
    area = np.floor(random.lognormal(4.5, 2, rows)).clip(1, 4_000_000)
    data["SELLERPLACE_AREA"] = np.where(random.random(rows) < 0.46, -1, area)
    _draw_labels(random, columns, data, kind, named)
    term, annuity = _draw_amounts(random, columns, data, kind, named, conduct)
    return data, _draw_dates(random, columns, data, owner, approved, kind, term, annuity, conduct)


def _draw_kind(random: np.random.Generator, columns: dict[str, Column], canceled: Flags) -> Integers:
    """Draw contract types in their shares, of which consumer loans are never canceled."""
    types, statuses = columns["NAME_CONTRACT_TYPE"], columns["NAME_CONTRACT_STATUS"]
    others = 1 - types.choices["Consumer loans"]
    lost = statuses.choices["Canceled"]
    drawn = random.random(len(canceled))
    other = canceled | (random.random(len(canceled)) < (others - lost) / (1 - lost))
    uniform = np.where(other, drawn * others, others + drawn * (1 - others))
    return pick(types, uniform, among=["Cash loans", "Revolving loans", "XNA", "Consumer loans"])


def _draw_labels(
    random: np.random.Generator,
    columns: dict[str, Column],
    data: dict[str, NDArray[np.generic]],
    kind: Integers,
    named: Flags,
) -> None:
    """Draw the texts that follow from the contract's type and status; XNA and XAP say that there is none."""
    rows = len(kind)
    types = columns["NAME_CONTRACT_TYPE"]
    consumer, cash = kind == code(types, "Consumer loans"), kind == code(types, "Cash loans")
    card = kind == code(types, "Revolving loans")

    def label(name: str, where: Flags, *, without: list[str]) -> Integers:
        drawn = pick(columns[name], random.random(rows), without=without)
        return np.where(where, drawn, code(columns[name], without[0]))

    data["NAME_GOODS_CATEGORY"] = label("NAME_GOODS_CATEGORY", consumer, without=["XNA"])
    data["NAME_SELLER_INDUSTRY"] = label(
        "NAME_SELLER_INDUSTRY", consumer | (random.random(rows) < 0.09), without=["XNA"]
    )
    data["NAME_YIELD_GROUP"] = label("NAME_YIELD_GROUP", named & ~card, without=["XNA"])
    data["NAME_PRODUCT_TYPE"] = label("NAME_PRODUCT_TYPE", named & (cash | card), without=["XNA"])
    data["NAME_CASH_LOAN_PURPOSE"] = np.where(
        cash,
        pick(columns["NAME_CASH_LOAN_PURPOSE"], random.random(rows), without=["XAP"]),
        code(columns["NAME_CASH_LOAN_PURPOSE"], "XAP"),
    )
    statuses, reasons = columns["NAME_CONTRACT_STATUS"], columns["CODE_REJECT_REASON"]
    refused = data["NAME_CONTRACT_STATUS"] == code(statuses, "Refused")
    unused = data["NAME_CONTRACT_STATUS"] == code(statuses, "Unused offer")
    why = label("CODE_REJECT_REASON", refused, without=["XAP", "CLIENT"])
    data["CODE_REJECT_REASON"] = np.where(unused, code(reasons, "CLIENT"), why)
    portfolio = columns["NAME_PORTFOLIO"]
    of_money = np.where(cash, code(portfolio, "Cash"), code(portfolio, "Cards"))
    of_kind = np.where(consumer, code(portfolio, "POS"), of_money)
    data["NAME_PORTFOLIO"] = np.where(named, of_kind, code(portfolio, "XNA"))
    combinations = columns["PRODUCT_COMBINATION"]
    goods = pick(combinations, random.random(rows), [name for name in combinations.choices if name.startswith("POS")])
    loans = pick(combinations, random.random(rows), [name for name in combinations.choices if name.startswith("Cash ")])
    cards = pick(combinations, random.random(rows), [name for name in combinations.choices if name.startswith("Card")])
    plain = np.where(named, loans, code(combinations, "Cash"))
    product = np.where(consumer, goods, np.where(card, cards, plain))
    data["PRODUCT_COMBINATION"] = np.where(random.random(rows) < combinations.missing, MISSING, product)


def _draw_amounts(
    random: np.random.Generator,
    columns: dict[str, Column],
    data: dict[str, NDArray[np.generic]],
    kind: Integers,
    named: Flags,
    conduct: Floats,
) -> tuple[Integers, Floats]:
    """Draw term in months and instalment, with the columns of amounts and rates."""
    rows = len(kind)
    types = columns["NAME_CONTRACT_TYPE"]
    consumer, card = kind == code(types, "Consumer loans"), kind == code(types, "Revolving loans")
    asked = random.lognormal(np.log(np.where(consumer, 75_000, 250_000)), np.where(consumer, 0.8, 0.9))
    asked = (np.round(asked / 45) * 45).clip(2_025, 6_905_160)
    granted = np.round(asked * random.uniform(0.85, 1.2, rows) * 2) / 2
    term = np.where(card, 0, random.choice(TERMS, rows, p=TERM_SHARES))
    annuity = np.where(card, granted * 0.05, granted / term.clip(1) * (1.05 + 0.01 * term))
    annuity = cents(annuity * np.exp(0.03 * conduct))
    data["AMT_APPLICATION"] = np.where(named, asked, 0.0)
    data["AMT_CREDIT"] = blank(np.where(named, granted, 0.0), random.random(rows) < columns["AMT_CREDIT"].missing)
    data["AMT_ANNUITY"] = blank(annuity, ~named)
    data["CNT_PAYMENT"] = blank(term, ~named)
    data["AMT_GOODS_PRICE"] = blank(asked, ~named | (random.random(rows) < 0.012))
    with_payment = consumer | (random.random(rows) < 0.048)
    rate = np.where(random.random(rows) < 0.35, 0.0, random.beta(2, 12, rows))
    data["AMT_DOWN_PAYMENT"] = blank(cents(asked * rate), ~with_payment)
    data["RATE_DOWN_PAYMENT"] = blank(rate, ~with_payment)
    stated = random.random(rows) >= columns["RATE_INTEREST_PRIMARY"].missing
    data["RATE_INTEREST_PRIMARY"] = blank(random.uniform(0.14, 0.2, rows), ~stated)
    data["RATE_INTEREST_PRIVILEGED"] = blank(random.uniform(0.6, 0.87, rows), ~stated)
    return term, annuity


def _draw_dates(
    random: np.random.Generator,
    columns: dict[str, Column],
    data: dict[str, NDArray[np.generic]],
    owner: Integers,
    approved: Flags,
    kind: Integers,
    term: Integers,
    annuity: Floats,
    conduct: Floats,
) -> Loans:
    """Draw the five dates, with 365243 for a date that has not come, and the credits that were taken."""
    rows = len(owner)
    decision = data["DAYS_DECISION"].astype(np.float64)
    card = kind == code(columns["NAME_CONTRACT_TYPE"], "Revolving loans")
    known = approved & (random.random(rows) > 0.038)
    used = ~card | (random.random(rows) < 0.87)
    first_due = decision + random.integers(20, 45, rows)
    planned = first_due + 30 * (term - 1)
    # Good conduct pays early now and then.
    early = random.random(rows) < 0.52 * np.exp(-0.2 * conduct)
    paid = np.where(early, np.ceil(term * random.uniform(0.4, 1.0, rows)), term).astype(np.int64)
    last_due = first_due + 30 * (paid - 1)
    running = card | (last_due >= 0)
    dates = {
        "DAYS_FIRST_DRAWING": np.where(card & used, first_due - 15, NO_DATE),
        "DAYS_FIRST_DUE": np.where(used & (first_due < 0), first_due, NO_DATE),
        "DAYS_LAST_DUE_1ST_VERSION": np.where(card, NO_DATE, planned),
        "DAYS_LAST_DUE": np.where(running, NO_DATE, last_due),
        "DAYS_TERMINATION": np.where(running, NO_DATE, (last_due + random.integers(0, 15, rows)).clip(max=-1)),
    }
    dates["DAYS_FIRST_DRAWING"] = np.where(dates["DAYS_FIRST_DRAWING"] < 0, dates["DAYS_FIRST_DRAWING"], NO_DATE)
    data |= {name: blank(values, ~known) for name, values in dates.items()}
    data["NFLAG_INSURED_ON_APPROVAL"] = blank(flag(random, 0.3326, rows), ~known)
    taken = known & used & (first_due < 0)
    due = np.floor((-1 - first_due) / 30).astype(np.int64) + 1
    counted = np.where(card, due.clip(0, 95), np.minimum(paid, due.clip(0)))
    return Loans(
        ids=data["SK_ID_PREV"][taken].astype(np.int64),
        owner=owner[taken],
        decision=decision[taken],
        first_due=first_due[taken],
        annuity=annuity[taken],
        term=term[taken],
        paid=counted[taken],
        card=card[taken],
    )
