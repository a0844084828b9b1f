"""What one decision leaves behind, and how it is sealed.

The payload, which is what the applicant sent and what the graph read of it, is sealed by a salted hash; the record
is sealed by a proof, the SHA-256 of the proof before it and of everything else in the record, that hash included.
So a changed, exchanged or missing record shows, and an erased payload leaves every proof as it was. The salt goes
with the payload: without it, a hash of a few fields could be guessed back to them.
"""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from scoring.decision import Basis
from scoring.journal.schema import JournalError

FLOATS = np.dtype("<f4")
"""How values and contributions are stored."""
SALT_BYTES = 16


def basis_content(basis: Basis) -> bytes:
    """The basis as canonical JSON."""
    return orjson.dumps(basis.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)


def payload_digest(salt: bytes, applicant: str | None, application: bytes, inputs: bytes) -> bytes:
    """The salted SHA-256 of a payload; lengths stand before parts, so that no two payloads run together."""
    who = (applicant or "").encode()
    return hashlib.sha256(
        b"%b%d:%b%d:%b%d:%b" % (salt, len(who), who, len(application), application, len(inputs), inputs)
    ).digest()


def seal(previous: bytes, *members: Any) -> bytes:
    """The proof of a record with these members, bytes among them as hexadecimal, after the proof `previous`."""
    return hashlib.sha256(previous + orjson.dumps(members, default=bytes.hex)).digest()


@dataclass(frozen=True, slots=True, eq=False)
class DecisionRecord:
    """One decision as the journal holds it."""

    sequence: int
    decision_id: str
    decided_at: str
    request_id: str
    basis: Basis
    basis_sha256: bytes
    pd: float
    """Exactly the float32 that the graph gave."""
    declined: bool
    points: int
    band: str
    thin: bool | None
    reasons: tuple[str, ...]
    """Codes of the principal reasons, the first weighs most."""
    contributions: NDArray[np.float32] | None
    """[groups of the basis]; None for a decision whose reasons nobody asked for."""
    applicant: str | None
    application: bytes | None
    """The applicant's fields as JSON; None once erased."""
    inputs: bytes | None
    """The row of numbers that the graph read, little-endian float32; None once erased."""
    salt: bytes | None
    payload_sha256: bytes
    proof: bytes
    raw: tuple[Any, ...]
    """The members that the proof is of, as they are stored."""

    @property
    def erased(self) -> bool:
        """Whether the payload has been taken out."""
        return self.salt is None

    def is_sealed(self, previous: bytes) -> bool:
        """Whether record and payload are what the proof was made of, after the proof `previous`."""
        return seal(previous, *self.raw) == self.proof and self.is_whole

    @property
    def is_whole(self) -> bool:
        """Whether the payload is what its hash was made of, or erased altogether."""
        if self.salt is None:
            return self.application is None and self.inputs is None and self.applicant is None
        payload = payload_digest(self.salt, self.applicant, self.application or b"", self.inputs or b"")
        return payload == self.payload_sha256

    @property
    def values(self) -> dict[str, Any]:
        """The applicant's fields by column.

        Raises:
            ValueError: they have been erased.
        """
        if self.application is None:
            raise ValueError(f"the application of decision {self.decision_id} has been erased")
        values: dict[str, Any] = orjson.loads(self.application)
        return values


DECISION_COLUMNS = (
    "sequence, decision_id, decided_at, request_id, basis, pd, declined, points, band, thin, reasons, contributions, "
    "applicant, application, inputs, salt, payload_sha256, proof"
)


def decision_members(
    sequence: int,
    decision_id: str,
    decided_at: str,
    request_id: str,
    basis_sha256: bytes,
    pd: float,
    declined: int,
    points: int,
    band: str,
    thin: int | None,
    reasons: str,
    contributions: bytes | None,
    payload_sha256: bytes,
) -> tuple[Any, ...]:
    """What the proof of a decision is made of, in order."""
    return (
        sequence, decision_id, decided_at, request_id, basis_sha256, pd, declined, points, band, thin, reasons,
        contributions, payload_sha256,
    )  # fmt: skip


def _basis(bases: dict[int, tuple[Basis, bytes]], number: int) -> tuple[Basis, bytes]:
    if number not in bases:
        raise JournalError(f"basis {number} of a segment is missing or damaged")
    return bases[number]


def decision_record(row: sqlite3.Row | tuple[Any, ...], bases: dict[int, tuple[Basis, bytes]]) -> DecisionRecord:
    """A row of `DECISION_COLUMNS`.

    Raises:
        JournalError: its basis is missing.
    """
    (
        sequence, decision_id, decided_at, request_id, number, pd, declined, points, band, thin, reasons,
        contributions, applicant, application, inputs, salt, payload_sha256, proof,
    ) = row  # fmt: skip
    basis, basis_sha256 = _basis(bases, number)
    return DecisionRecord(
        sequence=sequence,
        decision_id=decision_id,
        decided_at=decided_at,
        request_id=request_id,
        basis=basis,
        basis_sha256=basis_sha256,
        pd=pd,
        declined=bool(declined),
        points=points,
        band=band,
        thin=None if thin is None else bool(thin),
        reasons=tuple(reasons.split()),
        contributions=None if contributions is None else np.frombuffer(contributions, dtype=FLOATS),
        applicant=applicant,
        application=None if application is None else application.encode(),
        inputs=inputs,
        salt=salt,
        payload_sha256=payload_sha256,
        proof=proof,
        raw=decision_members(
            sequence,
            decision_id,
            decided_at,
            request_id,
            basis_sha256,
            pd,
            declined,
            points,
            band,
            thin,
            reasons,
            contributions,
            payload_sha256,
        ),
    )


@dataclass(frozen=True, slots=True, eq=False)
class ChallengeRecord:
    """What a challenger made of the application of a decision."""

    sequence: int
    decision_id: str
    scored_at: str
    basis: Basis
    basis_sha256: bytes
    pd: float
    declined: bool
    inputs: bytes | None
    """As in `DecisionRecord`, of the challenger's graph."""
    salt: bytes | None
    payload_sha256: bytes
    proof: bytes

    def is_sealed(self, previous: bytes) -> bool:
        """As in `DecisionRecord`."""
        members = challenge_members(
            self.sequence, self.decision_id, self.scored_at, self.basis_sha256, self.pd, int(self.declined),
            self.payload_sha256,
        )  # fmt: skip
        return seal(previous, *members) == self.proof and self.is_whole

    @property
    def erased(self) -> bool:
        """As in `DecisionRecord`."""
        return self.salt is None

    @property
    def is_whole(self) -> bool:
        """As in `DecisionRecord`."""
        if self.salt is None:
            return self.inputs is None
        return payload_digest(self.salt, None, b"", self.inputs or b"") == self.payload_sha256


CHALLENGE_COLUMNS = "sequence, decision_id, scored_at, basis, pd, declined, inputs, salt, payload_sha256, proof"


def challenge_members(
    sequence: int,
    decision_id: str,
    scored_at: str,
    basis_sha256: bytes,
    pd: float,
    declined: int,
    payload_sha256: bytes,
) -> tuple[Any, ...]:
    """What the proof of a challenge is made of, in order."""
    return sequence, decision_id, scored_at, basis_sha256, pd, declined, payload_sha256


def challenge_record(row: tuple[Any, ...], bases: dict[int, tuple[Basis, bytes]]) -> ChallengeRecord:
    """A row of `CHALLENGE_COLUMNS`.

    Raises:
        JournalError: its basis is missing.
    """
    sequence, decision_id, scored_at, number, pd, declined, inputs, salt, payload_sha256, proof = row
    basis, basis_sha256 = _basis(bases, number)
    return ChallengeRecord(
        sequence, decision_id, scored_at, basis, basis_sha256, pd, bool(declined), inputs, salt, payload_sha256, proof
    )


def now() -> str:
    """UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def rows_of(values: np.ndarray[Any, np.dtype[np.float32]]) -> list[bytes]:
    """Each row of [rows, columns] float32 as the journal keeps it."""
    width = values.shape[1] * FLOATS.itemsize
    content = np.ascontiguousarray(values, dtype=FLOATS).tobytes()
    return [content[start : start + width] for start in range(0, len(content), width)] if width else [b""] * len(values)
