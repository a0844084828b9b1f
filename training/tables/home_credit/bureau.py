"""Sample credits of other lenders, as the credit bureau reports them, month by month."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.tables.home_credit.clients import Clients
from training.tables.sampling import Integers, blank, cents, code, flag, pick
from training.tables.table import RawTable

FIRST_ID = 5_000_000
DAYS_BACK = 2922
# Shares and means that give the published row counts: clients without any credit and with monthly reports,
# credits of the others.
WITHOUT_CREDIT = 0.143
REPORTED = 0.4165
CREDITS = 6.51
MONTH = 30.4375


def draw_credits(
    random: np.random.Generator, clients: Clients, table: RawTable, first: int
) -> tuple[dict[str, NDArray[np.generic]], Integers]:
    """Draw the columns of bureau, keys from `first` on, and the position of each credit's client."""
    columns = {column.name: column for column in table.columns}
    many = 1 + random.poisson(random.gamma(1.6, (CREDITS - 1) / 1.6, len(clients)))
    counts = np.where(random.random(len(clients)) < WITHOUT_CREDIT, 0, many.clip(max=116))
    owner = np.repeat(np.arange(len(clients)), counts)
    rows, conduct = len(owner), clients.conduct[owner]
    kind = pick(columns["CREDIT_TYPE"], random.random(rows))
    card = kind == code(columns["CREDIT_TYPE"], "Credit card")
    mortgage = kind == code(columns["CREDIT_TYPE"], "Mortgage")
    # Who takes credit often has taken it lately.
    began = -1 - np.floor(DAYS_BACK * random.beta(1.1, 1.72, rows) ** np.exp(0.12 * conduct)).clip(0, DAYS_BACK - 1)
    days = np.floor(random.gamma(1.5, np.where(mortgage, 2400, np.where(card, 900, 420))) + 30)
    planned = (began + days).clip(-DAYS_BACK, 31_000)
    closed = random.random(rows) < np.where(planned < 0, 0.92, 0.14 * np.exp(-0.15 * conduct)).clip(0, 1)
    ended = np.where(planned < 0, planned, np.floor(began * random.random(rows))).clip(began, -1)
    status = columns["CREDIT_ACTIVE"]
    open_status = pick(status, random.random(rows), among=["Active", "Sold", "Bad debt"])
    amount = cents(random.lognormal(np.log(120_000), 1.1, rows) * np.where(mortgage, 12, 1)).clip(0, 5e8)
    left = (planned / (planned - began)).clip(0.02, 1) * random.beta(5, 2, rows)
    debt = np.where(closed, 0.0, cents(amount * (left * np.exp(0.15 * conduct)).clip(0, 1.2)))
    late = ~closed & (random.random(rows) < 0.006 * np.exp(1.1 * conduct))
    ever_late = late | (random.random(rows) < 0.08 * np.exp(0.6 * conduct))
    worst = np.where(ever_late, cents(random.lognormal(8.0, 1.3, rows)).clip(0, 1e8), 0.0)
    reported_after = random.integers(0, 60, rows)
    data: dict[str, NDArray[np.generic]] = {
        "SK_ID_CURR": clients.ids[owner],
        "SK_ID_BUREAU": first + np.arange(rows),
        "CREDIT_ACTIVE": np.where(closed, code(status, "Closed"), open_status),
        "CREDIT_CURRENCY": pick(columns["CREDIT_CURRENCY"], random.random(rows)),
        "DAYS_CREDIT": began,
        "CREDIT_DAY_OVERDUE": np.where(late, np.ceil(random.exponential(60, rows)), 0).clip(0, 2792),
        "DAYS_CREDIT_ENDDATE": planned,
        "DAYS_ENDDATE_FACT": blank(ended, ~closed),
        "AMT_CREDIT_MAX_OVERDUE": worst,
        "CNT_CREDIT_PROLONG": flag(random, 0.006 * np.exp(0.3 * conduct), rows),
        "AMT_CREDIT_SUM": amount,
        "AMT_CREDIT_SUM_DEBT": debt,
        "AMT_CREDIT_SUM_LIMIT": np.where(card & ~closed, (amount - debt).clip(0), 0.0),
        "AMT_CREDIT_SUM_OVERDUE": np.where(late, cents((debt * 0.1).clip(0)), 0.0),
        "CREDIT_TYPE": kind,
        "DAYS_CREDIT_UPDATE": np.where(closed, (ended + reported_after).clip(max=-1), -reported_after),
        "AMT_ANNUITY": cents(amount / (days / MONTH).clip(1)),
    }
    for name in (
        "DAYS_CREDIT_ENDDATE",
        "AMT_CREDIT_MAX_OVERDUE",
        "AMT_CREDIT_SUM",
        "AMT_CREDIT_SUM_DEBT",
        "AMT_CREDIT_SUM_LIMIT",
        "AMT_ANNUITY",
    ):
        data[name] = blank(data[name], random.random(rows) < columns[name].missing)
    return data, owner


def draw_months(
    random: np.random.Generator,
    clients: Clients,
    table: RawTable,
    credits_: dict[str, NDArray[np.generic]],
    owner: Integers,
) -> dict[str, NDArray[np.generic]]:
    """Draw the columns of bureau_balance: a status for each month since the credit began, for clients with reports."""
    status = {column.name: column for column in table.columns}["STATUS"]
    began = credits_["DAYS_CREDIT"].astype(np.float64)
    reported = (random.random(len(clients)) < REPORTED)[owner]
    months = np.where(reported, np.floor(-began / MONTH).astype(np.int64) + 1, 0)
    credit = np.repeat(np.arange(len(owner)), months)
    rows = len(credit)
    # 0 for the newest month, counted back for each credit.
    back = np.arange(rows) - np.repeat(np.cumsum(months) - months, months)
    ended = np.nan_to_num(credits_["DAYS_ENDDATE_FACT"].astype(np.float64), nan=1.0)[credit]
    closed = -back * MONTH > ended
    conduct = (clients.conduct[owner] + 0.6 * random.standard_normal(len(owner)))[credit]
    drawn = random.random(rows)
    late = drawn < (0.015 * np.exp(0.9 * conduct)).clip(0, 0.6)
    unknown = random.random(rows) < 0.42
    worse = pick(status, random.random(rows), among=["1", "2", "3", "4", "5"])
    statuses = np.where(late, worse, np.where(unknown, code(status, "X"), code(status, "0")))
    return {
        "SK_ID_BUREAU": credits_["SK_ID_BUREAU"][credit],
        "MONTHS_BALANCE": -back,
        "STATUS": np.where(closed, code(status, "C"), statuses),
    }
