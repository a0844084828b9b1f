"""Share among all peers: the application model, the graph in ONNX Runtime, and the bare PD."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from pydantic import BaseModel
from pydantic_settings import BaseSettings, SettingsConfigDict

from scoring import scorecards
from scoring.application import Application
from scoring.graph import COLUMNS_KEY, INPUT, OUTPUT, TEXT, TEXT_COLUMNS_KEY


class PeerSettings(BaseSettings):
    """The model that every peer serves; from the environment, prefix SCOREBOX_PEER_."""

    model_config = SettingsConfigDict(env_prefix="SCOREBOX_PEER_")

    scorecard: str
    graph: Path


SETTINGS = PeerSettings()
SCORECARD = scorecards.load(SETTINGS.scorecard)


def _session() -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return ort.InferenceSession(SETTINGS.graph, options, providers=["CPUExecutionProvider"])


_SESSION = _session()
_METADATA = _SESSION.get_modelmeta().custom_metadata_map
_NUMBERS: list[str] = json.loads(_METADATA[COLUMNS_KEY])
_TEXTS: list[str] = json.loads(_METADATA.get(TEXT_COLUMNS_KEY, "[]"))
_FIELDS = {rule.column: rule.field for rule in SCORECARD.rules}


def _getter(columns: Sequence[str]) -> Callable[[Application], Sequence[Any]]:
    fields = [_FIELDS[column] for column in columns]
    # attrgetter gives a tuple only for two and more.
    return attrgetter(*fields) if len(fields) > 1 else lambda one: [getattr(one, field) for field in fields]


_numbers, _texts = _getter(_NUMBERS), _getter(_TEXTS)

REQUEST: type[Application] = SCORECARD.request_model(_NUMBERS + _TEXTS)
"""The body of a request."""


class Score(BaseModel):
    """The answer to one application."""

    pd: float


class Scores(BaseModel):
    """The answer to a batch."""

    decisions: list[Score]


def score(applications: Sequence[Application]) -> list[Score]:
    """Return the PD of each application, by one session call."""
    fed = {INPUT: np.array([_numbers(application) for application in applications], dtype=np.float32)}
    if _TEXTS:
        fed[TEXT] = np.array([[text or "" for text in _texts(one)] for one in applications], dtype=object)
    (scored,) = _SESSION.run([OUTPUT], fed)
    return [Score(pd=pd) for pd in scored[:, 0].tolist()]
