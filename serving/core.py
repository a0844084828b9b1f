"""What the service offers, free of transport: both doors to it call this.

The doors are the ASGI face, which answers the hot routes, and BentoML's typed methods.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from scoring import scorecards
from scoring.batcher import BatcherClosedError, QueueTimeoutError
from scoring.decision import decision_model
from scoring.errors import RowError
from scoring.frames import history_columns
from scoring.graph import GraphIntegrityError
from scoring.history import HistoryError, HistoryStore, HistoryUnavailableError, open_history
from scoring.models import ModelStoreError, Release, StoredModel, load
from scoring.scorecard import Application, Scorecard
from scoring.scorecards import UnknownScorecardError
from scoring.scorer import Scorer, Share
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
        history = None
        if product.history:
            address = settings.history or str(folder / "releases" / f"{settings.scorecard}.history.sqlite")
            history = open_history(address, product, history_columns(product, model.graph.columns))
    except (
        SettingsError, UnknownScorecardError, ModelStoreError, GraphIntegrityError, HistoryError, OSError
    ) as error:  # fmt: skip
        raise StartError(error) from None
    return Parts(settings, product, release, model, history)


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
        self._scorer = Scorer(
            parts.scorecard,
            parts.model,
            parts.history,
            max_batch_size=settings.max_batch_size,
            max_wait=settings.max_wait,
            observe_batch=self.metrics.batch,
            observe_decisions=self.metrics.decided,
        )
        self.application = self._scorer.application
        self.batch = batch_model(self.application, settings.max_batch_rows)
        self.decision = decision_model(parts.scorecard)
        self.batch_decisions = batch_decisions_model(self.decision)
        self.health = Health(status="ready", scorecard=record.scorecard, model=record.tag, variant=record.variant)
        self._model_info = _model_info(parts)

    @property
    def model_info(self) -> ModelInfo:
        """What serves; a history may have been replaced since the start."""
        if self._history is None:
            return self._model_info
        found = self._history.record
        history = HistoryInfo(clients=found.clients, snapshot_sha256=found.snapshot_sha256, created_at=found.created_at)
        return self._model_info.model_copy(update={"history": history})

    async def predict(self, application: Application) -> dict[str, Any]:
        """The members of the application's `Decision`."""
        with self._refusing():
            decisions, row, _ = await self._scorer.decide(application)
        return decisions.members(row)

    async def predict_batch(self, batch: Batch) -> dict[str, Any]:
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
        with self._refusing():
            shares = await self._scorer.decide_all([rows[index] for index in positions])
        return batch_decisions(len(rows), shares, positions, errors)

    async def predict_table(self, body: bytes) -> tuple[TableRows, list[Share]]:
        """The rows of an Arrow stream, and the decisions of the good ones.

        Raises:
            ProblemError: the body is not a table of applications, no row is good, or the service is overloaded.
        """
        arguments = (body, self._scorer.frame, self.settings.max_arrow_rows)
        with self._refusing():
            if len(body) > INLINE_ARROW_BYTES or (self._history is not None and self._history.remote):
                table = await asyncio.to_thread(read_rows, *arguments)
            else:
                table = read_rows(*arguments)
        self._check(table.errors, len(table.inputs))
        with self._refusing():
            return table, await self._scorer.decide_all(table.inputs)

    async def close(self) -> None:
        """Finishes what waits and takes no more."""
        await self._scorer.close()
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
    def _refusing(self) -> Iterator[None]:
        try:
            yield
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


def _model_info(parts: Parts) -> ModelInfo:
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
        cutoff=record.cutoff,
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
