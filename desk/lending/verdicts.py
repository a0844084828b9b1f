"""Decide about an application as a person, next to what the score said."""

from __future__ import annotations

from desk.database.scope import Viewer
from desk.database.work import Application, Choice, ReasonCode, Status, Verdict
from desk.lending.errors import WrongMomentError, broken
from desk.repositories.unit import Unit


async def give_verdict(
    unit: Unit,
    application: Application,
    viewer: Viewer,
    *,
    score_id: int,
    choice: Choice,
    reason_code: ReasonCode,
    note: str,
) -> Verdict:
    """Keep the decision of a person.

    Args:
        unit: of the viewer.
        application: that is decided about.
        viewer: the manager who decides.
        score_id: the score that the manager saw.
        choice: approve, decline, or ask for more; one that differs from the score's decision is an override.
        reason_code: why.
        note: in words; an override needs one.

    Raises:
        WrongMomentError: the application has no score to decide about, or has a newer one than the manager saw.
        BrokenRulesError: an override lacks what it needs.
    """
    scores = await unit.applications.scores(application.id)
    if application.status != Status.DECIDED or not scores:
        raise WrongMomentError("a verdict needs an application that is scored and not withdrawn")
    latest = scores[0]
    if latest.id != score_id:
        raise WrongMomentError("the application has a newer score; read it again, then decide")
    is_override = choice != Choice.ASK_FOR_MORE and choice.value != latest.decision
    if is_override and reason_code == ReasonCode.AS_SCORED:
        raise broken("reason_code", "override_needs_reason", "A verdict against the score needs its own reason")
    if is_override and not note.strip():
        raise broken("note", "override_needs_note", "A verdict against the score needs a note")
    verdict = Verdict(
        application_id=application.id,
        score_id=latest.id,
        user_id=viewer.user_id,
        choice=choice,
        reason_code=reason_code,
        note=note,
        is_override=is_override,
    )
    await unit.applications.record(verdict)
    unit.audit_log.record(
        "give verdict",
        f"applications/{application.id}",
        application.client_id,
        choice=choice,
        reason_code=reason_code,
        override=is_override,
    )
    return verdict
