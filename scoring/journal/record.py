"""Build and seal the record of one decision.

The payload, which is what the applicant sent and what the graph read of it, is sealed by a salted hash; the record
is sealed by a proof, the SHA-256 of the proof before it and of everything else in the record, that hash included.
So a changed, exchanged or missing record shows, and an erased payload leaves every proof as it was. The salt goes
with the payload: without it, a hash of a few fields could be guessed back to them.
"""

from __future__ import annotations

import hashlib
from binascii import hexlify
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import orjson
from numpy.typing import NDArray

from scoring.decision import Basis
from scoring.journal.schema import JournalError

FLOATS = np.dtype("<f4")
"""How values and contributions are stored."""
SALT_BYTES = 16
PROOF_BYTES = 32

Bases: TypeAlias = Mapping[int, tuple[Basis, bytes]]
"""The bases of a segment by number, each with its SHA-256."""


def basis_content(basis: Basis) -> bytes:
    """Return the basis as canonical JSON."""
    return orjson.dumps(basis.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)


def payload_of(salt: bytes, inputs: bytes, applicant: str | None, application: bytes = b"null") -> bytes:
    """Return a payload as JSON, bytes in it as hexadecimal: what its SHA-256 is taken of."""
    who = b"null" if applicant is None else orjson.dumps(applicant)
    return b'["%b","%b",%b,%b]' % (hexlify(salt), hexlify(inputs), who, application)


def seal(previous: bytes, content: bytes) -> bytes:
    """Return the proof of a record with this content, after the proof `previous`."""
    return hashlib.sha256(previous + content).digest()


@dataclass(frozen=True, slots=True)
class Payload:
    """The part of a decision that an erasure removes."""

    content: bytes
    """As `payload_of` made it."""
    salt: bytes
    inputs: bytes
    """The row of numbers that the graph read, little-endian float32."""
    applicant: str | None
    """The caller's name for the applicant."""
    fields: dict[str, Any]
    """The values that the applicant sent, by column; None where one is missing."""

    @classmethod
    def read(cls, content: bytes, fields: Sequence[str]) -> Payload:
        """Return inputs and values from what `payload_of` made of an application with these fields.

        Raises:
            ValueError, TypeError: it is something else.
        """
        salt, inputs, applicant, values = orjson.loads(content)
        sent = dict(zip(fields, values, strict=True))
        return cls(content, bytes.fromhex(salt), bytes.fromhex(inputs), applicant, sent)


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
    """The principal reasons, the first weighs most; each as `scoring.journal.reasons` has it."""
    contributions: NDArray[np.float32] | None
    """[groups of the basis]; None for a decision whose reasons nobody asked for."""
    payload: Payload | None
    """None once erased."""
    payload_sha256: bytes
    proof: bytes
    sealed: bytes
    """The content that the proof is of, as it is stored."""

    @property
    def erased(self) -> bool:
        """Whether the payload has been taken out."""
        return self.payload is None

    def is_sealed(self, previous: bytes) -> bool:
        """Return whether record and payload are what the proof was made of, after the proof `previous`."""
        return seal(previous, self.sealed) == self.proof and self.is_whole

    @property
    def is_whole(self) -> bool:
        """Whether the payload is what its hash was made of, or erased altogether."""
        return self.payload is None or hashlib.sha256(self.payload.content).digest() == self.payload_sha256

    @property
    def applicant(self) -> str | None:
        """As in `Payload`; None once erased, too."""
        return None if self.payload is None else self.payload.applicant

    @property
    def application(self) -> bytes | None:
        """The applicant's fields as a JSON object, null where one is missing; None once erased."""
        return None if self.payload is None else orjson.dumps(self.payload.fields)

    @property
    def inputs(self) -> bytes | None:
        """As in `Payload`; None once erased."""
        return None if self.payload is None else self.payload.inputs

    @property
    def salt(self) -> bytes | None:
        """As in `Payload`; None once erased."""
        return None if self.payload is None else self.payload.salt

    @property
    def values(self) -> dict[str, Any]:
        """The applicant's fields by column, those that are missing left out.

        Raises:
            ValueError: they have been erased.
        """
        if self.payload is None:
            raise ValueError(f"the application of decision {self.decision_id} has been erased")
        return {name: value for name, value in self.payload.fields.items() if value is not None}


@dataclass(frozen=True, slots=True, eq=False)
class ChallengeRecord:
    """A challenger's score of the application of a decision."""

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
        """Return whether record and payload are what the proof was made of, as in `DecisionRecord`."""
        content = challenge_content(
            self.sequence, self.decision_id, self.scored_at, self.basis_sha256, self.pd, int(self.declined),
            self.payload_sha256,
        )  # fmt: skip
        return seal(previous, content) == self.proof and self.is_whole

    @property
    def erased(self) -> bool:
        """Return whether record and payload are what the proof was made of, as in `DecisionRecord`."""
        return self.salt is None

    @property
    def is_whole(self) -> bool:
        """Return whether record and payload are what the proof was made of, as in `DecisionRecord`."""
        if self.salt is None:
            return self.inputs is None
        payload = payload_of(self.salt, self.inputs or b"", None)
        return hashlib.sha256(payload).digest() == self.payload_sha256


CHALLENGE_COLUMNS = "sequence, decision_id, scored_at, basis, pd, declined, inputs, salt, payload_sha256, proof"


def challenge_content(
    sequence: int,
    decision_id: str,
    scored_at: str,
    basis_sha256: bytes,
    pd: float,
    declined: int,
    payload_sha256: bytes,
) -> bytes:
    """Return the bytes that the proof of a challenge is made of."""
    members = (sequence, decision_id, scored_at, basis_sha256, pd, declined, payload_sha256)
    return orjson.dumps(members, default=bytes.hex)


def challenge_record(row: tuple[Any, ...], bases: Bases) -> ChallengeRecord:
    """Return a row of `CHALLENGE_COLUMNS`.

    Raises:
        JournalError: its basis is missing.
    """
    sequence, decision_id, scored_at, number, pd, declined, inputs, salt, payload_sha256, proof = row
    if number not in bases:
        raise JournalError(f"basis {number} of a segment is missing or damaged")
    basis, basis_sha256 = bases[number]
    return ChallengeRecord(
        sequence, decision_id, scored_at, basis, basis_sha256, pd, bool(declined), inputs, salt, payload_sha256, proof
    )


def rows_of(values: np.ndarray[Any, np.dtype[np.float32]]) -> list[bytes]:
    """Return each row of [rows, columns] float32 as the journal keeps it."""
    width = values.shape[1] * FLOATS.itemsize
    content = np.ascontiguousarray(values, dtype=FLOATS).tobytes()
    return [content[start : start + width] for start in range(0, len(content), width)] if width else [b""] * len(values)
