"""Made-up decisions to put into journals, without a model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import orjson

from scoring.decision import Basis, Decisions
from scoring.journal.origin import Key, RequestOrigin
from scoring.journal.writer import Journal
from scoring.moment import ids_at, now_to_the_millisecond

GROUPS = ("DELAYS", "BALANCES")
BASIS = Basis(
    scorecard="card_default",
    model="card_default:1-fp32",
    variant="fp32",
    graph_sha256="a" * 64,
    explain_sha256="b" * 64,
    columns=("LIMIT_BAL", "PAY_0"),
    fields=("LIMIT_BAL", "PAY_0"),
    groups=GROUPS,
    policy="card_default-0123456789ab",
    cutoff=0.25,
    runtime={"onnxruntime": "1.31.1"},
)


LATE = {"code": "DELAYS", "statement": "LATE", "sentence": "Late.", "contribution": 1.5}


def decisions(pds: Sequence[float], basis: Basis = BASIS, decided_at: str | None = None) -> Decisions:
    """Decisions of these PDs; a decline has the reasons 1.5 and -0.5."""
    at = decided_at or now_to_the_millisecond()
    pd = np.array(pds, dtype=np.float32)
    declined = pd.astype(np.float64) >= basis.cutoff
    values = np.array([1.5, -0.5], dtype=np.float32)
    return Decisions(
        basis=basis,
        decided_at=at,
        decision_ids=ids_at(at, len(pds)),
        pd=pd,
        declined=declined,
        points=np.full(len(pd), 600),
        bands=["A"] * len(pd),
        contributions=[values if bad else None for bad in declined],
        reasons=[[LATE] if bad else [] for bad in declined],
    )


def inputs(pds: Sequence[float]) -> list[bytes]:
    """A row of numbers for each."""
    return [np.array([1_000, pd], dtype="<f4").tobytes() for pd in pds]


def applications(pds: Sequence[float]) -> list[bytes]:
    """The values of each."""
    return [orjson.dumps([1_000, pd]) for pd in pds]


def append(
    journal: Journal,
    pds: Sequence[float],
    *,
    key: Key | None = None,
    applicant: str | None = None,
    basis: Basis = BASIS,
    decided_at: str | None = None,
) -> Decisions:
    """Decides these PDs in one batch and one request."""
    made = decisions(pds, basis, decided_at)
    journal.append(made, inputs(pds), applications(pds), [RequestOrigin(len(pds), "request-1", applicant, key)])
    return made
