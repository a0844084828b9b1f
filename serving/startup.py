"""Read and check all that a service starts with: settings, scorecard, models, policy, history, journal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scoring import scorecards
from scoring.challenger.challenge import Challenge
from scoring.frames import history_columns
from scoring.graph import GraphIntegrityError
from scoring.history.opening import open_history
from scoring.history.store import HistoryError, HistoryStore
from scoring.journal.limits import JournalLimits
from scoring.journal.place import default_place, refuse_artefact
from scoring.journal.schema import JournalError, segments
from scoring.journal.writer import Journal
from scoring.models import ModelStoreError, Release, StoredModel, load
from scoring.policy import CutoffPolicy, PolicyError
from scoring.scorecard import Scorecard
from scoring.scorecards import UnknownScorecardError
from serving.settings import Settings, SettingsError, read_settings

STARTUP_ERRORS = (
    SettingsError, UnknownScorecardError, ModelStoreError, GraphIntegrityError, HistoryError, PolicyError, JournalError,
    OSError,
)  # fmt: skip
"""Raised where something is missing or not what it should be; the message says what to do."""


class StartError(SystemExit):
    """Ends the process with one line that says what to do."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(f"scorebox cannot start: {' '.join(str(reason).split())}")


@dataclass(frozen=True)
class LoadedModel:
    """A model, and the history that it reads."""

    model: StoredModel
    history: HistoryStore | None = None
    """None for a scorecard without a history."""


@dataclass(frozen=True)
class StartupConfig:
    """All that a service starts with."""

    settings: Settings
    scorecard: Scorecard
    release: Release
    champion: LoadedModel
    policy: CutoffPolicy
    journal: Journal | None = None
    """None where decisions are not kept."""
    challenger: tuple[Challenge, LoadedModel] | None = None
    challenger_fault: str | None = None
    """Why the challenger that is named does not take part."""


def load_startup_config(folder: Path, working: Path, scorecard: str | None = None) -> StartupConfig:
    """Read and check all that a service starts with; a challenger that cannot take part is left out.

    Args:
        folder: where `releases/` is.
        working: the directory in which the user started the server.
        scorecard: the scorecard a Bento was built for.

    Raises:
        StartError: something is missing or not what it should be.
    """
    try:
        settings = read_settings(scorecard)
        return load_current_config(
            folder, settings, _check_journal(settings, folder, working), tolerate_challenger=True
        )
    except STARTUP_ERRORS as error:
        raise StartError(error) from None


def load_current_config(
    folder: Path, settings: Settings, journal: Journal | None, *, tolerate_challenger: bool = False
) -> StartupConfig:
    """Read and check what release, policy and challenge name now; settings and journal stay.

    Args:
        folder: where `releases/` is.
        settings: of the process.
        journal: where decisions go.
        tolerate_challenger: whether a challenger that is not what it should be is left out instead of raised.

    Raises:
        Exception: one of `STARTUP_ERRORS`.
    """
    name = settings.scorecard
    product = scorecards.load(name)
    releases = folder / "releases"
    release_file = settings.release or releases / f"{name}.json"
    release = Release.read(release_file)
    if release.scorecard != name:
        raise SettingsError(f"the release is of {release.scorecard}, but SCOREBOX_SCORECARD is {name}")
    variant = settings.variant or release.serving
    if variant not in release.tags:
        raise SettingsError(f"SCOREBOX_VARIANT: release {release.version} has only {', '.join(release.tags)}")
    history = settings.history or str(releases / f"{name}.history.sqlite")
    policy = CutoffPolicy.in_force(product, settings.policy or release_file.with_suffix(".policy.json"))
    champion = _load_model(product, release.tags[variant], history, policy)
    challenger, challenger_fault = None, None
    try:
        challenge = Challenge.read(settings.challenge or release_file.with_suffix(".challenger.json"), name)
        if challenge is not None and challenge.model == champion.model.record.tag:
            challenger_fault = f"{challenge.model} is the champion"
        elif challenge is not None:
            if journal is None:
                raise SettingsError("a challenger needs the journal: set SCOREBOX_JOURNAL, or end the challenge")
            challenger = (challenge, _load_model(product, challenge.model, history, policy))
            if _protected(product, champion) != _protected(product, challenger[1]):
                raise ModelStoreError(
                    f"the challenger {challenge.model} reads other protected fields than the champion"
                )
    except STARTUP_ERRORS as error:
        if not tolerate_challenger:
            raise
        challenger, challenger_fault = None, " ".join(str(error).split())
    return StartupConfig(settings, product, release, champion, policy, journal, challenger, challenger_fault)


def require_same_fields(before: StartupConfig, after: StartupConfig) -> bool:
    """Return whether both require the same fields of a request: those that the model reads, protected ones too."""
    return _protected(before.scorecard, before.champion) == _protected(after.scorecard, after.champion)


def _protected(scorecard: Scorecard, loaded: LoadedModel) -> frozenset[str]:
    return scorecard.protected & set(loaded.model.graph.columns)


def _load_model(scorecard: Scorecard, tag: str, history: str, policy: CutoffPolicy) -> LoadedModel:
    model = load(tag)
    try:
        model.explainer.reference_for(policy.cutoff)
    except LookupError as error:
        raise ModelStoreError(f"{tag}: {error}") from None
    if not scorecard.history:
        return LoadedModel(model)
    return LoadedModel(model, open_history(history, scorecard, history_columns(scorecard, model.graph.columns)))


def _check_journal(settings: Settings, folder: Path, working: Path) -> Journal | None:
    """Open the journal and close it again: the process that answers writes it, and this may be its parent."""
    # Where earlier versions kept it, and what a Bento has been handed on with.
    beside = folder / "journal" / settings.scorecard
    if segments(beside):
        refuse_artefact(beside, settings.scorecard, working)
    if settings.journal == "off":
        return None
    place = working / settings.journal if settings.journal else default_place(settings.scorecard, working)
    refuse_artefact(place, settings.scorecard, working)
    limits = JournalLimits(settings.journal_sync, settings.journal_segment_bytes, settings.journal_retention_months)
    journal = Journal(place.absolute(), limits)
    journal.open()
    journal.close()
    return journal
