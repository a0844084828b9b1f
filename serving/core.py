"""What the service offers, free of transport: both doors to it call this.

The doors are the ASGI face, which answers the hot routes, and BentoML's typed methods.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from scoring import scorecards
from scoring.batcher import BatcherClosedError, QueueTimeoutError
from scoring.decider import Decider
from scoring.decision import decision_model
from scoring.errors import RowError
from scoring.frames import history_columns
from scoring.graph import GraphIntegrityError
from scoring.history import HistoryError, HistoryStore, HistoryUnavailableError, open_history
from scoring.journal.schema import JournalError
from scoring.journal.writer import Journal, JournalLimits, JournalUnavailableError, KeyConflictError
from scoring.models import ModelStoreError, Release, StoredModel, load
from scoring.policy import CutoffPolicy, PolicyError
from scoring.scorecard import Application, Scorecard
from scoring.scorecards import UnknownScorecardError
from scoring.scorer import Caller, Observers, Scorer, Share
from serving.arrow import TableRows, read_rows
from serving.metrics import Metrics
from serving.payloads import (
    BandInfo,
    Batch,
    BrokenRow,
    Health,
    HistoryInfo,
    Limits,
    ModelInfo,
    ReferenceInfo,
    batch_decisions,
    batch_decisions_model,
    batch_model,
)
from serving.problems import MOST_ERRORS, ProblemError
from serving.settings import Settings, SettingsError, read_settings

# An application is below 1 KiB; what is far beyond is none, and naming its errors costs time.
MOST_APPLICATION_BYTES = 16 << 10

# Up to here reading a table takes less time than handing it to a thread and back.
INLINE_ARROW_BYTES = 64 << 10


logger = logging.getLogger("bentoml.scorebox")


class StartError(SystemExit):
    """Ends the process with one line that says what to do."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(f"scorebox cannot start: {' '.join(str(reason).split())}")


@dataclass(frozen=True)
class Parts:
    """What a service is put together from."""

    settings: Settings
    scorecard: Scorecard
    release: Release
    model: StoredModel
    policy: CutoffPolicy
    journal: Journal | None = None
    """None where decisions are not kept."""
    history: HistoryStore | None = None
    """None for a scorecard without a history."""


def find_parts(folder: Path, scorecard: str | None = None) -> Parts:
    """Settings, scorecard, release, model and history, each checked.

    Args:
        folder: where `releases/` is.
        scorecard: the scorecard a Bento was built for.

    Raises:
        StartError: something is missing or not what it should be.
    """
    try:
        settings = read_settings(scorecard)
        product = scorecards.load(settings.scorecard)
        release = Release.read(settings.release or folder / "releases" / f"{settings.scorecard}.json")
        if release.scorecard != settings.scorecard:
            raise SettingsError(
                f"the release is of {release.scorecard}, but SCOREBOX_SCORECARD is {settings.scorecard}"
            )
        variant = settings.variant or release.serving
        if variant not in release.tags:
            raise SettingsError(f"SCOREBOX_VARIANT: release {release.version} has only {', '.join(release.tags)}")
        model = load(release.tags[variant])
        policy = CutoffPolicy.in_force(
            product, settings.policy or folder / "releases" / f"{settings.scorecard}.policy.json"
        )
        journal = _journal(settings, folder)
        history = None
        if product.history:
            address = settings.history or str(folder / "releases" / f"{settings.scorecard}.history.sqlite")
            history = open_history(address, product, history_columns(product, model.graph.columns))
    except (
        SettingsError, UnknownScorecardError, ModelStoreError, GraphIntegrityError, HistoryError, PolicyError,
        JournalError, OSError
    ) as error:  # fmt: skip
        raise StartError(error) from None
    return Parts(settings, product, release, model, policy, journal, history)


def _journal(settings: Settings, folder: Path) -> Journal | None:
    """The journal, closed again: it is for the process that answers, and this may be its parent."""
    if settings.journal == "off":
        return None
    limits = JournalLimits(settings.journal_sync, settings.journal_segment_bytes, settings.journal_retention_months)
    journal = Journal(Path(settings.journal) if settings.journal else folder / "journal" / settings.scorecard, limits)
    journal.open()
    journal.close()
    return journal


class Core:
    """One scorecard's service: decisions, and what is known of the model that makes them."""

    def __init__(self, parts: Parts) -> None:
        settings, record = parts.settings, parts.model.record
        self.settings = settings
        self.scorecard = parts.scorecard
        self.record = record
        self.draining = False
        """True from SIGTERM on: still answering, no longer ready."""
        self.metrics = Metrics(record, lambda: self._scorer.oldest_wait, history=parts.history is not None)
        self._history = parts.history
        self._journal = parts.journal
        self._decider = Decider(parts.scorecard, parts.model, parts.policy)
        self._scorer = Scorer(
            parts.scorecard,
            self._decider,
            parts.history,
            parts.journal,
            max_batch_size=settings.max_batch_size,
            max_wait=settings.max_wait,
            observers=Observers(self.metrics.batch, self.metrics.decided, self.metrics.committed),
        )
        self.application = self._scorer.application
        self.batch = batch_model(self.application, settings.max_batch_rows)
        self.decision = decision_model(parts.scorecard)
        self.batch_decisions = batch_decisions_model(self.decision)
        self.health = Health(status="ready", scorecard=record.scorecard, model=record.tag, variant=record.variant)
        self._model_info = _model_info(parts, self._decider)

    @property
    def model_info(self) -> ModelInfo:
        """What serves; a history may have been replaced since the start."""
        if self._history is None:
            return self._model_info
        found = self._history.record
        history = HistoryInfo(clients=found.clients, snapshot_sha256=found.snapshot_sha256, created_at=found.created_at)
        return self._model_info.model_copy(update={"history": history})

    def open(self) -> None:
        """Takes the journal, in the process that answers.

        Raises:
            JournalError: it cannot be written.
        """
        if self._journal is not None:
            self._journal.open()

    async def predict(self, application: Application, caller: Caller) -> dict[str, Any]:
        """The members of the application's `Decision`.

        Raises:
            ProblemError: the caller's key stands for another request, or the service cannot decide now.
        """
        with self._refusing(caller):
            decisions, row, _ = await self._scorer.decide(application, caller)
        return decisions.members(row, every_reason=caller.every_reason)

    async def predict_batch(self, batch: Batch, caller: Caller) -> dict[str, Any]:
        """The members of the batch's `BatchDecisions`; broken rows are named and the others decided.

        Raises:
            ProblemError: no row is good, or the service is overloaded.
        """
        rows = batch.applications
        positions = [index for index, row in enumerate(rows) if not isinstance(row, BrokenRow)]
        errors = [
            RowError(index=index, errors=row.errors) for index, row in enumerate(rows) if isinstance(row, BrokenRow)
        ]
        self._check(errors, len(positions))
        with self._refusing(caller):
            shares = await self._scorer.decide_all([rows[index] for index in positions], caller)
        return batch_decisions(len(rows), shares, positions, errors, every_reason=caller.every_reason)

    async def predict_table(self, body: bytes, caller: Caller) -> tuple[TableRows, list[Share]]:
        """The rows of an Arrow stream, and the decisions of the good ones.

        Raises:
            ProblemError: the body is not a table of applications, no row is good, or the service is overloaded.
        """
        arguments = (body, self._scorer.frame, self.settings.max_arrow_rows)
        with self._refusing(caller):
            if len(body) > INLINE_ARROW_BYTES or (self._history is not None and self._history.remote):
                table = await asyncio.to_thread(read_rows, *arguments)
            else:
                table = read_rows(*arguments)
        self._check(table.errors, len(table.rows))
        with self._refusing(caller):
            return table, await self._scorer.decide_all(table.rows, caller)

    async def close(self) -> None:
        """Finishes what waits and takes no more."""
        await self._scorer.close()
        if self._journal is not None:
            self._journal.close()
        if self._history is not None:
            self._history.close()

    def _check(self, errors: list[RowError], good: int) -> None:
        self.metrics.broken(item for error in errors for item in error.errors)
        if not good:
            detail = "every application of the batch breaks its contract"
            if len(errors) > MOST_ERRORS:
                detail += f"; the first {MOST_ERRORS} are listed"
            raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, detail, rows=errors)

    @contextmanager
    def _refusing(self, caller: Caller) -> Iterator[None]:
        if caller.key is not None and self._journal is None:
            detail = "the journal is off, and without it no Idempotency-Key can be kept"
            raise ProblemError(HTTPStatus.BAD_REQUEST, detail)
        try:
            yield
        except KeyConflictError:
            detail = "the Idempotency-Key stands for another request: send this one under a key of its own"
            raise ProblemError(HTTPStatus.CONFLICT, detail) from None
        except JournalUnavailableError as error:
            self.metrics.journal_failed()
            logger.error("%s", error)  # noqa: TRY400  # the message says it all
            raise _refusal("the decision cannot be kept, so none was made; send the request again later") from None
        except QueueTimeoutError as error:
            self.metrics.shed()
            raise _refusal(f"the service is overloaded: the request {error}; send it again later") from None
        except HistoryUnavailableError as error:
            self.metrics.history_failed()
            raise _refusal(f"{error}; send the request again later") from None
        except BatcherClosedError:
            raise _refusal("the service is shutting down; send the request again") from None


def _refusal(detail: str) -> ProblemError:
    return ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=[(b"retry-after", b"1")])


def _model_info(parts: Parts, decider: Decider) -> ModelInfo:
    settings, scorecard, record = parts.settings, parts.scorecard, parts.model.record
    return ModelInfo(
        scorecard=record.scorecard,
        title=scorecard.title,
        model=record.tag,
        version=record.version,
        variant=record.variant,
        available_variants=parts.release.tags,
        family=record.family,
        graph_sha256=record.graph_sha256,
        columns=record.columns,
        policy=parts.policy.id,
        cutoff=parts.policy.cutoff,
        reference=ReferenceInfo(pd=decider.reference.pd, values=dict(decider.reference.values)),
        journal="off" if parts.journal is None else settings.journal_sync,
        bands=[BandInfo(name=band.name, below=band.below) for band in scorecard.bands],
        metrics=record.metrics,
        data=record.data,
        data_label="SAMPLE DATA" if record.data.sample else "real data",
        history=None,
        git_revision=record.git_revision,
        mlflow_run_id=record.mlflow_run_id,
        libraries=record.libraries,
        limits=Limits(
            application_bytes=min(MOST_APPLICATION_BYTES, settings.max_body_bytes),
            batch_bytes=settings.max_body_bytes,
            batch_rows=settings.max_batch_rows,
            arrow_bytes=settings.max_arrow_bytes,
            arrow_rows=settings.max_arrow_rows,
            request_timeout_seconds=settings.request_timeout,
        ),
    )
