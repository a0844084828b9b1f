"""Sample applications of home_credit, and what is behind them: each client's risk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit

from training.tables.sampling import MISSING, Floats, Integers, blank, code, correlated, flag, pick
from training.tables.table import RawTable

FIRST_ID = 100_002
NOT_EMPLOYED = 365_243
# How strongly the risk moves the log-odds of default.
RISK_WEIGHT = 2.1


@dataclass(frozen=True)
class Clients:
    """One chunk of clients: their keys, and standard normal latents, higher for the worse.

    `risk` decides about default; `conduct` is how they handle credit, in part their risk. The application shows
    the first, history the second, both with noise, so that history tells more than the application alone.
    """

    ids: Integers
    risk: Floats
    conduct: Floats

    def __len__(self) -> int:
        return len(self.ids)


def draw_clients(random: np.random.Generator, first: int, count: int) -> Clients:
    """Draw clients `first` to `first + count - 1`."""
    risk = random.standard_normal(count)
    conduct = 0.75 * risk + np.sqrt(1 - 0.75**2) * random.standard_normal(count)
    return Clients(np.arange(first, first + count, dtype=np.int64) + FIRST_ID, risk, conduct)


def default_intercept(share: float) -> float:
    """Return the intercept of the log-odds with which this share of clients defaults, by Gauss-Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(64)
    weights = weights / weights.sum()
    return float(brentq(lambda intercept: weights @ expit(intercept + RISK_WEIGHT * nodes) - share, -20, 5))


def draw_applications(random: np.random.Generator, clients: Clients, table: RawTable) -> dict[str, NDArray[np.generic]]:
    """Draw the columns of application_train, one row per client."""
    columns = {column.name: column for column in table.columns}
    rows, risk = len(clients), clients.risk
    target = columns["TARGET"].typical
    assert target is not None
    data: dict[str, NDArray[np.generic]] = {
        "SK_ID_CURR": clients.ids,
        "TARGET": flag(random, np.asarray(expit(default_intercept(target) + RISK_WEIGHT * risk)), rows),
    }
    _draw_plain(random, table, data, rows)
    data["NAME_EDUCATION_TYPE"] = pick(columns["NAME_EDUCATION_TYPE"], 1 - correlated(random, risk, 0.15))
    data["CODE_GENDER"] = pick(columns["CODE_GENDER"], correlated(random, risk, 0.12))
    _draw_person(random, table, data, risk)
    _draw_loan(random, table, data, risk)
    _draw_scores(random, table, data, risk)
    _draw_counts(random, table, data, risk)
    return data


def _draw_plain(random: np.random.Generator, table: RawTable, data: dict[str, NDArray[np.generic]], rows: int) -> None:
    """Draw what the description says all about: choices, flags with a share, and the measures of the building."""
    # The measures of a building are known or missing together: rarer ones only where commoner ones are known.
    building = random.random(rows)
    size = random.standard_normal(rows)
    for column in table.columns:
        of_building = column.name.endswith(("_AVG", "_MODE", "_MEDI"))
        unknown = (building if of_building else random.random(rows)) < column.missing
        if column.choices:
            data[column.name] = np.where(unknown, MISSING, pick(column, random.random(rows)))
        elif of_building:
            data[column.name] = blank(_measure(random, data, column.name, column.typical or 0.0, size), unknown)
        elif column.name.startswith(("FLAG_", "REG_", "LIVE_")) and column.typical is not None:
            data[column.name] = flag(random, column.typical, rows)


def _measure(
    random: np.random.Generator, data: dict[str, NDArray[np.generic]], name: str, typical: float, size: Floats
) -> Floats:
    average = data.get(name.rsplit("_", 1)[0] + "_AVG")
    if average is not None:
        # Mode and median mostly equal the average.
        factor = np.where(random.random(len(size)) < 0.6, 1.0, random.normal(1, 0.05, len(size)))
        return np.round(np.nan_to_num(average.astype(np.float64) * factor).clip(0, 1), 4)
    drawn = expit(logit(max(typical, 0.01)) + 0.4 * size + 0.4 * random.standard_normal(len(size)))
    drawn[(typical == 0) & (random.random(len(size)) < 0.6)] = 0
    rounded: Floats = np.round(drawn, 4)
    return rounded


def _draw_person(
    random: np.random.Generator, table: RawTable, data: dict[str, NDArray[np.generic]], risk: Floats
) -> None:
    columns = {column.name: column for column in table.columns}
    rows, income_type, organization = len(risk), columns["NAME_INCOME_TYPE"], columns["ORGANIZATION_TYPE"]
    none = np.isin(data["NAME_INCOME_TYPE"], [code(income_type, "Pensioner"), code(income_type, "Unemployed")])
    young = correlated(random, risk, 0.25)
    years = np.where(none, 67 - 20 * young**1.5, 21 + 45 * (1 - young) ** 1.3) + random.random(rows)
    birth = -np.floor(years * 365.25)
    employed = np.minimum(random.exponential(2400, rows) * np.exp(-0.25 * risk), (years - 18) * 365)
    data["DAYS_BIRTH"] = birth
    data["DAYS_EMPLOYED"] = np.where(none, NOT_EMPLOYED, -np.floor(employed.clip(1, 17_900)))
    data["ORGANIZATION_TYPE"] = np.where(
        none, code(organization, "XNA"), pick(organization, random.random(rows), without=["XNA"])
    )
    data["FLAG_EMP_PHONE"] = (~none).astype(np.int64)
    occupation = columns["OCCUPATION_TYPE"]
    # Without employment there is no occupation; the rest of its missing share is spread over the others.
    silent = random.random(rows) < (occupation.missing - 0.18) / (1 - 0.18)
    data["OCCUPATION_TYPE"] = np.where(none | silent, MISSING, pick(occupation, random.random(rows)))
    data["DAYS_REGISTRATION"] = -np.floor(random.exponential(5000, rows).clip(0, -birth - 1))
    data["DAYS_ID_PUBLISH"] = -np.floor(6200 * random.beta(1.6, 1.6, rows) * np.exp(-0.1 * risk).clip(0, 1.1))
    data["DAYS_LAST_PHONE_CHANGE"] = -np.floor(
        (random.random(rows) > 0.12) * random.exponential(1100, rows).clip(0, 4290) * np.exp(-0.1 * risk).clip(0, 1)
    )
    owns_car = data["FLAG_OWN_CAR"] == code(columns["FLAG_OWN_CAR"], "Y")
    data["OWN_CAR_AGE"] = blank(np.floor(random.exponential(12, rows).clip(0, 91)), ~owns_car)
    children = np.searchsorted([0.7004, 0.8991, 0.9861, 0.9982, 0.9996], random.random(rows))
    family = columns["NAME_FAMILY_STATUS"]
    couple = np.isin(data["NAME_FAMILY_STATUS"], [code(family, "Married"), code(family, "Civil marriage")])
    data["CNT_CHILDREN"] = children
    data["CNT_FAM_MEMBERS"] = blank(children + 1 + couple, data["NAME_FAMILY_STATUS"] == code(family, "Unknown"))
    rating = 1 + np.searchsorted([0.1, 0.84], correlated(random, risk, 0.15))
    data["REGION_RATING_CLIENT"] = rating
    data["REGION_RATING_CLIENT_W_CITY"] = np.where(random.random(rows) < 0.02, 2, rating)
    data["REGION_POPULATION_RELATIVE"] = np.round(random.lognormal(-4, 0.6, rows).clip(0.00029, 0.072508), 6)
    data["HOUR_APPR_PROCESS_START"] = np.floor(random.normal(12.5, 3.3, rows).clip(0, 23))


def _draw_loan(
    random: np.random.Generator, table: RawTable, data: dict[str, NDArray[np.generic]], risk: Floats
) -> None:
    columns = {column.name: column for column in table.columns}
    rows = len(risk)
    revolving = data["NAME_CONTRACT_TYPE"] == code(columns["NAME_CONTRACT_TYPE"], "Revolving loans")
    income = random.lognormal(np.log(147_000), 0.48, rows).clip(25_650, 117_000_000)
    goods = (income * random.lognormal(1.15, 0.6, rows)).clip(40_500, 4_050_000)
    goods = np.round(np.where(revolving, goods / 2, goods) / 4_500) * 4_500
    insured = np.where(random.random(rows) < 0.65, random.uniform(0.05, 0.25, rows), 0.0) * ~revolving
    credit = np.round(goods * (1 + insured) * 2) / 2
    term = np.round(random.triangular(9, 24, 48, rows))
    annuity = np.where(revolving, credit * 0.05, credit / term * (1 + 0.12 * term / 12 / 2 + 0.02 * risk.clip(-2, 2)))
    data["AMT_INCOME_TOTAL"] = np.round(income / 4_500).clip(6) * 4_500
    data["AMT_CREDIT"] = credit
    data["AMT_ANNUITY"] = blank(np.round(annuity * 2) / 2, random.random(rows) < columns["AMT_ANNUITY"].missing)
    data["AMT_GOODS_PRICE"] = blank(goods, random.random(rows) < columns["AMT_GOODS_PRICE"].missing)


def _draw_scores(
    random: np.random.Generator, table: RawTable, data: dict[str, NDArray[np.generic]], risk: Floats
) -> None:
    """Draw the three external scores: higher for the better, each with its own noise."""
    columns = {column.name: column for column in table.columns}
    rows = len(risk)
    for name, correlation in (("EXT_SOURCE_1", 0.43), ("EXT_SOURCE_2", 0.45), ("EXT_SOURCE_3", 0.48)):
        typical = columns[name].typical
        assert typical is not None
        noise = random.standard_normal(rows)
        drawn = expit(logit(typical) - 0.9 * (correlation * risk + np.sqrt(1 - correlation**2) * noise))
        data[name] = blank(drawn, random.random(rows) < columns[name].missing)


def _draw_counts(
    random: np.random.Generator, table: RawTable, data: dict[str, NDArray[np.generic]], risk: Floats
) -> None:
    columns = {column.name: column for column in table.columns}
    rows = len(risk)
    circle = random.random(rows) < columns["OBS_30_CNT_SOCIAL_CIRCLE"].missing
    seen = random.poisson(random.gamma(0.5, 2.84, rows)).clip(max=348)
    late = random.binomial(seen, (0.09 * np.exp(0.3 * risk)).clip(0, 0.9))
    data["OBS_30_CNT_SOCIAL_CIRCLE"] = blank(seen, circle)
    data["DEF_30_CNT_SOCIAL_CIRCLE"] = blank(late, circle)
    data["OBS_60_CNT_SOCIAL_CIRCLE"] = blank(random.binomial(seen, 0.99), circle)
    data["DEF_60_CNT_SOCIAL_CIRCLE"] = blank(random.binomial(late, 0.7), circle)
    asked = random.random(rows) < columns["AMT_REQ_CREDIT_BUREAU_YEAR"].missing
    means = {"HOUR": 0.0064, "DAY": 0.007, "WEEK": 0.034, "MON": 0.267, "QRT": 0.265, "YEAR": 1.9}
    for unit, mean in means.items():
        name = f"AMT_REQ_CREDIT_BUREAU_{unit}"
        data[name] = blank(random.poisson(mean * np.exp(0.1 * risk)), asked)
