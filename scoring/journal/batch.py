"""The decisions of one batch as the journal holds them: one row of a segment, its records and payloads a line each.

What SQLite costs it costs by the row.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import zip_longest
from typing import Any

import numpy as np
import orjson

from scoring.decision import Basis, Decisions
from scoring.journal.origin import RequestOrigin, spread
from scoring.journal.reasons import join_reason
from scoring.journal.record import FLOATS, PROOF_BYTES, SALT_BYTES, Bases, DecisionRecord, Payload, payload_of, seal
from scoring.journal.schema import JournalError

BATCH_COLUMNS = "first, last, decided_at, basis, proofs, records, payloads"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a decision stands in its batch."""

    sequence: int
    """As its line says; of a line that says none, where it stands."""
    members: list[Any] | None
    """Return the content of its line; None if it is no record."""
    line: bytes
    proof: bytes
    payload: bytes
    """Empty once erased."""

    @property
    def decision_id(self) -> str | None:
        """As its line says."""
        return None if self.members is None else self.members[1]


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """A row of `BATCH_COLUMNS`."""

    first: int
    last: int
    decided_at: str
    basis: int
    proofs: bytes
    records: str
    payloads: str

    @property
    def row(self) -> tuple[int, int, str, int, bytes, str, str]:
        """As it is stored."""
        return self.first, self.last, self.decided_at, self.basis, self.proofs, self.records, self.payloads

    def places(self) -> Iterator[Place]:
        """Yield the places of its decisions, in order."""
        proofs = [self.proofs[start : start + PROOF_BYTES] for start in range(0, len(self.proofs), PROOF_BYTES)]
        lines = zip_longest(self.records.encode().split(b"\n"), proofs, self.payloads.encode().split(b"\n"))
        for index, (line, proof, payload) in enumerate(lines):
            members = _members(line or b"")
            sequence = self.first + index if members is None else members[0]
            yield Place(sequence, members, line or b"", proof or b"", payload or b"")

    def record(self, place: Place, bases: Bases) -> DecisionRecord:
        """Return the decision at one of its places.

        Raises:
            JournalError: it is not what a record is.
        """
        if self.basis not in bases:
            raise JournalError(f"basis {self.basis} of a segment is missing or damaged")
        try:
            return _record(place, self.decided_at, *bases[self.basis])
        except (AttributeError, TypeError, ValueError):
            raise JournalError(f"decision {place.sequence:,} is damaged") from None

    def without(self, ids: Collection[str]) -> tuple[str, list[Place]]:
        """Return the payloads without those of decisions with these ids, and the places of the ones that had one."""
        places = list(self.places())
        emptied = [place for place in places if place.payload and place.decision_id in ids]
        kept = [b"" if place in emptied else place.payload for place in places]
        return b"\n".join(kept).decode(), emptied


def pack(
    decisions: Decisions,
    basis: tuple[int, bytes],
    first: int,
    previous: bytes,
    inputs: Sequence[bytes],
    applications: Sequence[bytes],
    request_origins: Sequence[RequestOrigin],
) -> RecordBatch:
    """Return the batch of these decisions.

    Args:
        decisions: of the batch.
        basis: the number of their basis in the segment, and its SHA-256.
        first: the sequence of the first one.
        previous: the proof of the decision before it.
        inputs: for each row what the graph read, little-endian float32.
        applications: for each row the values of the basis's fields as a JSON list, null where one is missing.
        request_origins: the requests that the rows are of, in order.
    """
    number, basis_sha256 = basis
    opening = opening_of(decisions.decided_at, basis_sha256)
    salts = os.urandom(SALT_BYTES * len(decisions))
    # Whole columns: a number taken out of an array alone costs as much as dozens of them.
    pds, points, declined = decisions.pd.tolist(), decisions.points.tolist(), decisions.declined.tolist()
    thin = None if decisions.thin is None else decisions.thin.tolist()
    lines: list[bytes] = []
    payloads: list[bytes] = []
    proofs: list[bytes] = []
    for index, (origin, name) in enumerate(zip(spread(request_origins), decisions.decision_ids, strict=True)):
        salt = salts[index * SALT_BYTES : (index + 1) * SALT_BYTES]
        payload = payload_of(salt, inputs[index], origin.applicant, applications[index])
        found = decisions.contributions[index]
        line = orjson.dumps(
            (
                first + index,
                name,
                origin.request_id,
                pds[index],
                declined[index],
                points[index],
                decisions.bands[index],
                None if thin is None else thin[index],
                [join_reason(reason["code"], reason["statement"]) for reason in decisions.reasons[index]],
                None if found is None else found.astype(FLOATS, copy=False).tobytes().hex(),
                sha256(payload).hexdigest(),
            )
        )
        previous = seal(previous, opening + line)
        lines.append(line)
        payloads.append(payload)
        proofs.append(previous)
    records, contents = b"\n".join(lines).decode(), b"\n".join(payloads).decode()
    last = first + len(lines) - 1
    return RecordBatch(first, last, decisions.decided_at, number, b"".join(proofs), records, contents)


def opening_of(decided_at: str, basis_sha256: bytes) -> bytes:
    """Return the part that all decisions of a batch share, with which each is sealed."""
    return orjson.dumps((decided_at, basis_sha256.hex()))


def _members(line: bytes) -> list[Any] | None:
    try:
        members = orjson.loads(line)
    except ValueError:
        return None
    match members:
        case [int(), str(), *rest] if len(rest) == 9:
            return [*members]
    return None


def _record(place: Place, decided_at: str, basis: Basis, basis_sha256: bytes) -> DecisionRecord:
    if place.members is None:
        raise ValueError("no record")
    sequence, name, request_id, pd, declined, points, band, thin, reasons, contributions, payload_sha256 = place.members
    return DecisionRecord(
        sequence=sequence,
        decision_id=name,
        decided_at=decided_at,
        request_id=request_id,
        basis=basis,
        basis_sha256=basis_sha256,
        pd=float(pd),
        declined=bool(declined),
        points=points,
        band=band,
        thin=thin,
        reasons=tuple(reasons),
        contributions=None if contributions is None else np.frombuffer(bytes.fromhex(contributions), dtype=FLOATS),
        payload=Payload.read(place.payload, basis.fields) if place.payload else None,
        payload_sha256=bytes.fromhex(payload_sha256),
        proof=place.proof,
        sealed=opening_of(decided_at, basis_sha256) + place.line,
    )
