"""Answer requests that are sent again under the same idempotency key with the decisions of the first time.

A key stands for one request about one applicant. The journal keeps which decisions were made under it; another request
under the same key, or the same one with another Applicant-ID, is a conflict.
"""

from __future__ import annotations

from collections.abc import Sequence

from scoring.decider import Decider
from scoring.decision import BatchSlice, Decisions
from scoring.journal.names import KeyConflictError
from scoring.journal.origin import Key, RequestOrigin
from scoring.journal.writer import Journal


class BatchAnswers:
    """The answers to the requests of one batch, those of earlier requests recalled.

    Args:
        request_origins: the requests, in order.
        decider: makes decisions of the journal's records.
        journal: where earlier decisions are; needed if a request has a key.
    """

    def __init__(self, request_origins: Sequence[RequestOrigin], decider: Decider, journal: Journal | None) -> None:
        self._origins = request_origins
        self._decider = decider
        self._journal = journal
        self._answers: dict[int, BatchSlice | Exception] = {}
        self._first_of: dict[tuple[str, int], int] = {}
        """The position of the first request of each key; later ones get its answer."""
        self.fresh: list[int] = []
        """Positions of the requests that have to be decided."""
        for index, origin in enumerate(request_origins):
            if origin.key is None:
                self.fresh.append(index)
            else:
                self._find(index, origin, origin.key)

    def add(self, decisions: Decisions) -> None:
        """Add the decisions of the fresh requests, one row after the other."""
        start = 0
        for index in self.fresh:
            stop = start + self._origins[index].rows
            self._answers[index] = (decisions, start, stop)
            start = stop

    def in_order(self) -> list[BatchSlice | Exception]:
        """Return the answer to each request, once the fresh ones are decided."""
        if len(self._answers) < len(self._origins):
            for index, origin in enumerate(self._origins):
                if index not in self._answers:
                    assert origin.key is not None
                    self._answers[index] = self._answers[self._first_of[origin.key.name, origin.key.part]]
        return [self._answers[index] for index in range(len(self._origins))]

    def _find(self, index: int, origin: RequestOrigin, key: Key) -> None:
        """Find the answer to a request with a key, or note that it is fresh or repeats one of this batch."""
        before = self._first_of.setdefault((key.name, key.part), index)
        if before != index:
            if (self._origins[before].key, self._origins[before].applicant) != (key, origin.applicant):
                self._answers[index] = KeyConflictError(key.name)
            return
        try:
            recalled = self._recall(origin, key)
        except KeyConflictError as error:
            self._answers[index] = error
            # The next one under this key may be the request that it stands for.
            del self._first_of[key.name, key.part]
            return
        if recalled is None:
            self.fresh.append(index)
        else:
            self._answers[index] = recalled

    def _recall(self, origin: RequestOrigin, key: Key) -> BatchSlice | None:
        """Return the decisions that were made under the key; None if there are none.

        Raises:
            KeyConflictError: the key stands for another request or applicant, or for a request that was divided into
                other parts.
        """
        assert self._journal is not None, "keys need a journal"
        records = self._journal.recall(key)
        if records is None:
            return None
        # An erasure takes the key along with the applicant's name, so the name is there.
        if len(records) != origin.rows or records[0].applicant != origin.applicant:
            # Other parts: batches have had another size since.
            raise KeyConflictError(key.name)
        return self._decider.recalled(records), 0, len(records)
