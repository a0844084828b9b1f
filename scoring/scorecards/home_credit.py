"""home_credit: will a client have difficulties in paying a loan back?

Home Credit Default Risk (Kaggle, 2018). The request brings the application; what is known of the client from the
credit bureau and from earlier loans is history, which the pipeline computes from six more tables and the service
reads by SK_ID_CURR. An unknown client is a thin file: scored with the defaults of `history.py`, and marked so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.changeable import Changeable
from scoring.scorecard import RiskBand, Scorecard, Source, SourceFile
from scoring.scorecards.parts.home_credit.application import HomeCreditApplication
from scoring.scorecards.parts.home_credit.features import (
    KNOWN,
    application_features,
    engineered_features,
    filled_features,
)
from scoring.scorecards.parts.home_credit.history import HISTORY
from scoring.scorecards.parts.home_credit.labels import LABELS
from scoring.scorecards.parts.home_credit.reasons import REASONS
from scoring.scorecards.parts.home_credit.sample import draw

FILES = {
    "application_train": (307_511, "52e96b895b1112e1c853f670e58372719c8441c5ed1c57ac2f7fad559d784f5f"),
    "bureau": (1_716_428, "9d799143423f280720cf51c1bfbbab2a0422da8ff2763335bb30bf43155494f7"),
    "bureau_balance": (27_299_925, "33e09f06174c26f0be6b8b7398886c69e7bf0abbb29b4122f7841ffe545729a9"),
    "previous_application": (1_670_214, "5046cd657ee04df2eaa6dc8308ae86be6b3b1763674a3f63574886a2f2896505"),
    "POS_CASH_balance": (10_001_358, "0e13bc573ffa8fc29b3f00d975e557143193a405d675b0e4694b06fbdffcb0cd"),
    "credit_card_balance": (3_840_312, "a9cdc48900d55131c90f3128b991859aeb94ca1326fb5f4d1624b9fd03782247"),
    "installments_payments": (13_605_401, "428c2e2496e4d6d697ee8270e98497e5213c41be16d882eed1bc95b133726797"),
}
"""The published tables: rows, and sha256 of the CSV file."""


def sample(generator: np.random.Generator, rows: int) -> dict[str, NDArray[Any]]:
    """Draw applications for load tests, as `sample.py` does."""
    return draw(SCORECARD.rules, generator, rows)


SCORECARD = Scorecard(
    name="home_credit",
    title="Difficulties in paying a consumer loan back",
    purpose="Estimates the probability that a client will have difficulties in paying a consumer loan back. A lender "
    "uses it to approve or decline the application and to price what is approved by risk band.",
    limits=(
        "The published data say nothing of when and where: no fold or test part is later than the others.",
        "Clients whom the lender refused are not in the data.",
        "An unknown client is scored by the application alone, with the history's defaults, and marked as a thin file.",
        "EXT_SOURCE scores are of undocumented origin; what they take into account cannot be said.",
        "Made-up sample data carry the signal that their generator gave them, and say nothing of real clients.",
    ),
    application=HomeCreditApplication,
    key="SK_ID_CURR",
    target="TARGET",
    # Documents are only counted, so none of them has a weight of its own.
    codes=frozenset(
        column for column in KNOWN if column.startswith(("FLAG_", "REG_"))
    ),
    protected=frozenset({"CODE_GENDER", "NAME_FAMILY_STATUS", "DAYS_BIRTH"}),
    history=HISTORY,
    # No costs come with the data. 0.15 says that a default loses what not quite six good loans earn: a margin of
    # 8 % of the amount against a loss of 45 % of it.
    cutoff=0.15,
    reasons=REASONS,
    labels=LABELS,
    bands=(
        RiskBand("A", 0.03),
        RiskBand("B", 0.06),
        RiskBand("C", 0.10),
        RiskBand("D", 0.15),
        RiskBand("E", 1.01),
    ),
    sources=(
        Source(
            title="Home Credit Default Risk",
            licence="the rules of the Kaggle competition: redistribution is not permitted",
            citation="Home Credit Group, Home Credit Default Risk, Kaggle, 2018",
            files=tuple(
                SourceFile(file_name=f"{table}.csv", sha256=sha256, rows=rows, table=table)
                for table, (rows, sha256) in FILES.items()
            ),
        ),
    ),
    features={
        "application": application_features,
        "engineered": engineered_features,
        "filled": filled_features,
    },
    sample=sample,
    example={
        "SK_ID_CURR": 100002, "NAME_CONTRACT_TYPE": "Cash loans", "CODE_GENDER": "F", "FLAG_OWN_CAR": "N",
        "FLAG_OWN_REALTY": "Y", "CNT_CHILDREN": 1, "AMT_INCOME_TOTAL": 157500, "AMT_CREDIT": 450000,
        "AMT_ANNUITY": 22500, "AMT_GOODS_PRICE": 405000, "NAME_TYPE_SUITE": "Unaccompanied",
        "NAME_INCOME_TYPE": "Working", "NAME_EDUCATION_TYPE": "Secondary / secondary special",
        "NAME_FAMILY_STATUS": "Married", "NAME_HOUSING_TYPE": "House / apartment",
        "REGION_POPULATION_RELATIVE": 0.0188, "DAYS_BIRTH": -13557, "DAYS_EMPLOYED": -1586,
        "DAYS_REGISTRATION": -4250, "DAYS_ID_PUBLISH": -3010, "FLAG_MOBIL": 1, "FLAG_EMP_PHONE": 1,
        "FLAG_WORK_PHONE": 0, "FLAG_CONT_MOBILE": 1, "FLAG_PHONE": 0, "FLAG_EMAIL": 0,
        "OCCUPATION_TYPE": "Sales staff", "CNT_FAM_MEMBERS": 3, "REGION_RATING_CLIENT": 2,
        "REGION_RATING_CLIENT_W_CITY": 2, "WEEKDAY_APPR_PROCESS_START": "TUESDAY", "HOUR_APPR_PROCESS_START": 11,
        "REG_REGION_NOT_LIVE_REGION": 0, "REG_REGION_NOT_WORK_REGION": 0, "LIVE_REGION_NOT_WORK_REGION": 0,
        "REG_CITY_NOT_LIVE_CITY": 0, "REG_CITY_NOT_WORK_CITY": 0, "LIVE_CITY_NOT_WORK_CITY": 0,
        "ORGANIZATION_TYPE": "Trade: type 7", "EXT_SOURCE_2": 0.566, "EXT_SOURCE_3": 0.535,
        "OBS_30_CNT_SOCIAL_CIRCLE": 2, "DEF_30_CNT_SOCIAL_CIRCLE": 0, "OBS_60_CNT_SOCIAL_CIRCLE": 2,
        "DEF_60_CNT_SOCIAL_CIRCLE": 0, "DAYS_LAST_PHONE_CHANGE": -760,
        **{f"FLAG_DOCUMENT_{number}": int(number == 3) for number in range(2, 22)},
        "AMT_REQ_CREDIT_BUREAU_YEAR": 1,
    },
    # A smaller loan, for something cheaper, paid back faster or more slowly; and what can be handed in or given.
    changeable=(
        Changeable("AMT_CREDIT", "down", minimum=45_000, maximum=4_050_000, step=4_500),
        Changeable("AMT_ANNUITY", minimum=2_250, maximum=258_750, step=450),
        Changeable("AMT_GOODS_PRICE", "down", minimum=45_000, maximum=4_050_000, step=4_500),
        Changeable("FLAG_DOCUMENT_3", "up", minimum=0, maximum=1),
        Changeable("FLAG_PHONE", "up", minimum=0, maximum=1),
        Changeable("FLAG_EMAIL", "up", minimum=0, maximum=1),
    ),
    # A cheaper good does not mean that more of its price is lent.
    held_ratios=(("AMT_CREDIT", "AMT_GOODS_PRICE"),),
)  # fmt: skip
