"""Bodies of the API about applications, their scores, and what people decide about them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from desk.api.models import LARGEST_ID, Body, ClientOut, CreditOut, Id, Line, ManagerOut, Number, Out
from desk.database.people import Client, Credit, User
from desk.database.scope import Viewer
from desk.database.work import (
    LONGEST_DOCUMENT,
    LONGEST_NOTE,
    Application,
    Choice,
    DocumentRequest,
    Note,
    ReasonCode,
    Score,
    Status,
    Verdict,
)
from desk.lending.contract import visible_fields

MOST_FIELDS = 500


def _plain(value: Any) -> Any:
    """Return a value that is a text, a number, or none."""
    if isinstance(value, dict | list):
        raise PydanticCustomError("plain_value", "A text or a number is needed")
    return value


Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=LONGEST_NOTE, strip_whitespace=True)]
Fields = Annotated[
    dict[str, Annotated[Any, AfterValidator(_plain)]],
    Field(max_length=MOST_FIELDS, description="values by column of the scorecard: texts and numbers"),
]
Version = Annotated[int, Field(ge=1, le=LARGEST_ID, description="the application's, as it was read")]


class NewApplication(Body):
    """An application that is begun."""

    scorecard: Line = Field(max_length=64)
    fields: Fields
    send: bool = Field(False, description="send it at once; else it is a draft, which may lack fields")


class EditApplication(Body):
    """The fields of an application, all of them."""

    fields: Fields
    version: Version
    send: bool = Field(False, description="send a draft")


class NewVerdict(Body):
    """The decision of a person."""

    score_id: Id = Field(description="the score that the person saw")
    choice: Choice = Field(strict=False)
    reason_code: ReasonCode = Field(strict=False)
    note: Text = ""


class NewNote(Body):
    """A note about an application."""

    text: Annotated[Text, Field(min_length=1)]


class NewDocumentRequest(Body):
    """A document that the client is asked for."""

    document: Annotated[Line, StringConstraints(min_length=1, max_length=LONGEST_DOCUMENT, strip_whitespace=True)]


class UnderWayOut(Out):
    """A request for a score that has no answer yet."""

    request_id: UUID
    application_id: int
    asked_at: datetime


class VerdictOut(Out):
    """The decision of a person."""

    id: int
    score_id: int
    user_id: int
    choice: Choice
    reason_code: ReasonCode
    note: str
    is_override: bool = Field(description="it differs from the score's decision")
    created_at: datetime


class NoteOut(Out):
    """A note about an application."""

    id: int
    user_id: int
    text: str
    created_at: datetime


class DocumentRequestOut(Out):
    """A document that the client was asked for."""

    id: int
    document: str
    created_at: datetime
    received_at: datetime | None


class ScoreOut(Out):
    """The answer of a scorecard to an application."""

    id: int
    request_id: UUID
    score: float = Field(description="the probability of default (PD)")
    rating: float = Field(description="1 - PD, rounded to two places")
    decision_id: UUID
    decision: str
    model: str
    policy: str
    band: str
    points: int
    cutoff: float
    reasons: list[dict[str, Any]]
    timestamp: datetime


class ApplicationOut(Out):
    """An application, with its scores, the newest first."""

    id: int
    client_id: int
    scorecard: str
    status: Status
    fields: dict[str, Any] = Field(description="without the protected ones for those who decide about others")
    created_at: datetime
    submitted_at: datetime | None
    version: int
    scores: list[ScoreOut]


class QueueRowOut(Out):
    """An application that waits in a manager's queue."""

    application_id: int
    status: Status
    submitted_at: datetime | None
    client_id: int
    full_name: str
    is_made_up: bool
    amount_total: Number | None
    score: float | None
    band: str | None
    decision: str | None


class ApplicationFileOut(Out):
    """An application with everything that was said about it."""

    application: ApplicationOut
    verdicts: list[VerdictOut] = Field(description="the newest first")
    document_requests: list[DocumentRequestOut]
    notes: list[NoteOut] = Field(description="none for clients")


class ClientDashboardOut(Out):
    """All that a client sees at the start."""

    client: ClientOut
    manager: ManagerOut | None
    credit: CreditOut | None
    applications: list[ApplicationOut]


class ExportOut(Out):
    """All that the desk keeps of a client, but for what staff noted for themselves and the audit log."""

    dashboard: ClientDashboardOut
    applications: list[ApplicationFileOut]


class ManagerDashboardOut(Out):
    """All that a manager sees at the start."""

    manager: ManagerOut
    clients: int
    applications: dict[Status, int] = Field(description="how many stand where")
    bands: dict[str, int] = Field(description="how many have which band in their latest score")
    queue: list[QueueRowOut] = Field(description="the oldest ones that are not decided")


def score_out(score: Score) -> ScoreOut:
    """Return a score as the API shows it."""
    members = {name: getattr(score, name) for name in ScoreOut.model_fields if name != "rating"}
    return ScoreOut(**members, rating=round(1 - score.score, 2))


def application_out(application: Application, scores: list[Score], viewer: Viewer | None) -> ApplicationOut:
    """Return an application as the API shows it to somebody."""
    members = {
        name: getattr(application, name) for name in ApplicationOut.model_fields if name not in {"scores", "fields"}
    }
    fields = visible_fields(application, viewer)
    return ApplicationOut(**members, fields=fields, scores=[score_out(score) for score in scores])


def queue_row_out(
    application: Application, client: Client, user: User, credit: Credit | None, score: Score | None
) -> QueueRowOut:
    """Return an application as the queue shows it."""
    return QueueRowOut(
        application_id=application.id,
        status=application.status,
        submitted_at=application.submitted_at,
        client_id=client.id,
        full_name=user.full_name,
        is_made_up=user.is_made_up,
        amount_total=None if credit is None else credit.amount_total,
        score=None if score is None else score.score,
        band=None if score is None else score.band,
        decision=None if score is None else score.decision,
    )


def verdict_out(verdict: Verdict) -> VerdictOut:
    """Return a verdict as the API shows it."""
    return VerdictOut.model_validate({name: getattr(verdict, name) for name in VerdictOut.model_fields})


def note_out(note: Note) -> NoteOut:
    """Return a note as the API shows it."""
    return NoteOut.model_validate({name: getattr(note, name) for name in NoteOut.model_fields})


def document_request_out(asked: DocumentRequest) -> DocumentRequestOut:
    """Return a request for a document as the API shows it."""
    return DocumentRequestOut.model_validate({name: getattr(asked, name) for name in DocumentRequestOut.model_fields})


def application_file_out(
    application: Application,
    scores: list[Score],
    verdicts: list[Verdict],
    document_requests: list[DocumentRequest],
    notes: list[Note],
    viewer: Viewer | None,
) -> ApplicationFileOut:
    """Return an application with everything that was said about it as the API shows it to somebody."""
    return ApplicationFileOut(
        application=application_out(application, scores, viewer),
        verdicts=[verdict_out(verdict) for verdict in verdicts],
        document_requests=[document_request_out(asked) for asked in document_requests],
        notes=[note_out(note) for note in notes],
    )
