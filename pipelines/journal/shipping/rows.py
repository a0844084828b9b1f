"""Records of the journal as rows of the copy."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Table

from pipelines.journal.shipping.tables import challenges, decisions
from scoring.decision import Basis
from scoring.journal.record import ChallengeRecord, DecisionRecord

Row = dict[str, Any]

EMPTIED: dict[Table, Row] = {
    decisions: {"applicant": None, "application": None, "inputs": None, "salt": None},
    challenges: {"inputs": None, "salt": None},
}
"""The columns of a payload after an erasure."""


def basis_row(basis: Basis, sha256: bytes) -> Row:
    """Return the row of a basis, its members that queries ask for in columns of their own."""
    return {
        "sha256": sha256,
        "scorecard": basis.scorecard,
        "model": basis.model,
        "variant": basis.variant,
        "policy": basis.policy,
        "cutoff": basis.cutoff,
        "content": basis.model_dump(mode="json"),
    }


def decision_row(journal: str, record: DecisionRecord) -> Row:
    """Return the row of a decision of the journal with this id."""
    return {
        "decision_id": record.decision_id,
        "journal": journal,
        "sequence": record.sequence,
        "decided_at": datetime.fromisoformat(record.decided_at),
        "request_id": record.request_id,
        "basis": record.basis_sha256,
        "pd": record.pd,
        "declined": record.declined,
        "points": record.points,
        "band": record.band,
        "thin": record.thin,
        "reasons": list(record.reasons),
        "contributions": None if record.contributions is None else record.contributions.tobytes(),
        "applicant": record.applicant,
        "application": None if record.erased else record.values,
        "inputs": record.inputs,
        "salt": record.salt,
        "payload_sha256": record.payload_sha256,
        "proof": record.proof,
    }


def challenge_row(journal: str, record: ChallengeRecord) -> Row:
    """Return the row of a challenge of the journal with this id."""
    return {
        "journal": journal,
        "sequence": record.sequence,
        "decision_id": record.decision_id,
        "scored_at": datetime.fromisoformat(record.scored_at),
        "basis": record.basis_sha256,
        "pd": record.pd,
        "declined": record.declined,
        "inputs": record.inputs,
        "salt": record.salt,
        "payload_sha256": record.payload_sha256,
        "proof": record.proof,
    }
