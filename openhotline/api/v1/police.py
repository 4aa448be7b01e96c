"""`/police/...`: a unit's program reads its questions, answers them and asks back, in the name of one officer.

The token belongs to an officer, so that every answer has a name; what it may see is what that officer sees at the
portal, and every answer goes through the same step. What is not here: other units' questions (404), and pictures.
"""

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Schema
from ninja.security import HttpBearer

from openhotline import policy as policies
from openhotline.api.v1 import reading
from openhotline.api.v1.shapes import Fault
from openhotline.records import sealing
from openhotline.records.models import Answer, Consultation, PoliceRequest, User
from openhotline.rules import liaison, words
from openhotline.rules.agreement import UNDO_WITHIN
from openhotline.rules.refusals import Refused
from openhotline.settings import load
from openhotline.steps import answer as answer_step
from openhotline.steps import deconflict
from openhotline.steps import requests as requests_step
from openhotline.steps import undo as undo_step
from openhotline.web.bearers import by_officer_token
from openhotline.web.portal.told import state_for_police
from openhotline.web.scoped import Scoped, found


class OfficerToken(HttpBearer):
    """`Authorization: Bearer ...` of an officer. Sets `request.auth` to the account."""

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        return by_officer_token(token)


router = Router(tags=["police"], auth=OfficerToken())


class AskedAddress(Schema):
    """One address of a question. `state` is what our own checks see of it."""

    uid: UUID
    reference: str
    address: str
    content_class: str
    category: str
    age_band: str
    country: str
    edge: bool
    answered: bool
    state: str


class GivenAnswer(Schema):
    """One answer of your unit, as it was recorded. Later answers never rewrite earlier ones. `requests`: the numbers
    under which what it wants besides is handed over."""

    id: int
    kind: str
    by: str
    at: datetime
    undo_until: datetime
    undone_at: datetime | None
    until: datetime | None
    review_at: datetime | None
    valid_until: datetime | None
    reason: str
    reference: str
    conditions: list[str]
    requests: list[str]
    note: str
    addresses: list[UUID]


class Question(Schema):
    """One question, or where `asks` is false one information."""

    number: str
    asks: bool
    again: bool
    host: str
    agreement: str
    asked_at: datetime
    answer_due: datetime
    answered_at: datetime | None
    withdrawn_at: datetime | None
    addresses: list[AskedAddress]
    answers: list[GivenAnswer]


class QuestionPage(Schema):
    """A page of questions, least time left first."""

    count: int
    questions: list[Question]


class NewAnswer(Schema):
    """What an answer says. `kind` is one of go-ahead, go-ahead-after, hold, refuse, evidence-wanted,
    statement-wanted, no-interest, pass-on. Without `addresses` it covers all of the question."""

    kind: str
    addresses: list[UUID] | None = None
    until: datetime | None = None
    review_at: datetime | None = None
    valid_until: datetime | None = None
    reason: str = ""
    reference: str = ""
    conditions: list[str] = []
    note: str = ""
    unit: str = ""


def _now() -> datetime:
    return load().clock().now()


def _mine(request: HttpRequest) -> tuple[User, Scoped]:
    user: User = request.auth  # type: ignore[attr-defined]
    return user, Scoped(user)


def _question(row: Consultation, mine: Scoped) -> Question:
    lines = (
        mine.consultation_lines()
        .filter(consultation=row)
        .select_related("removal__item")
        .order_by("removal_id")
    )
    given = mine.answers().filter(consultation=row).select_related("by").prefetch_related("lines__removal")
    return Question(
        number=row.number,
        asks=row.asks,
        again=row.again,
        host=row.host.name if row.host else "",
        agreement=row.agreement_version,
        asked_at=row.asked_at,
        answer_due=row.due_at,
        answered_at=row.answered_at,
        withdrawn_at=row.withdrawn_at,
        addresses=[
            AskedAddress(
                uid=line.removal.uid,
                reference=line.removal.item.ref,
                address=line.removal.item.canonical,
                content_class=line.removal.item.cls,
                category=line.removal.item.category,
                age_band=line.removal.item.age_band,
                country=line.removal.country,
                edge=line.removal.edge,
                answered=line.answered,
                state=state_for_police(line.removal.status)[0],
            )
            for line in lines
        ],
        answers=[_answer(one) for one in given.order_by("at", "pk")],
    )


def _answer(row: Answer) -> GivenAnswer:
    return GivenAnswer(
        id=row.pk,
        kind=row.kind,
        by=row.by.pseudonym,
        at=row.at,
        undo_until=row.at + UNDO_WITHIN,
        undone_at=row.undone_at,
        until=row.until,
        review_at=row.review_at,
        valid_until=row.valid_until,
        reason=row.reason,
        reference=row.reference,
        conditions=list(row.conditions),
        requests=[made.number for made in row.requests.all()],
        note=row.note,
        addresses=[line.removal.uid for line in row.lines.all()],
    )


@router.get("/police/questions", response={200: QuestionPage, 400: Fault, 401: Fault})
def questions(
    request: HttpRequest, waiting: bool = True, limit: int = reading.PAGE, offset: int = reading.FROM
) -> QuestionPage:
    """Questions put to your unit: those that wait, or with `waiting=false` all."""
    _, mine = _mine(request)
    rows = mine.consultations().select_related("host")
    if waiting:
        rows = rows.filter(asks=True, answered_at=None, withdrawn_at=None)
    listed = rows.order_by("due_at", "pk")[offset : offset + limit]
    return QuestionPage(count=rows.count(), questions=[_question(row, mine) for row in listed])


@router.get("/police/questions/{number}", response={200: Question, 401: Fault, 404: Fault})
def question(request: HttpRequest, number: str) -> Question:
    """One question, with every answer your unit gave."""
    _, mine = _mine(request)
    return _question(found(mine.consultations().select_related("host"), number=number), mine)


@router.post(
    "/police/questions/{number}/answers",
    response={200: GivenAnswer, 400: Fault, 401: Fault, 403: Fault, 404: Fault},
)
def give(request: HttpRequest, number: str, new: NewAnswer) -> GivenAnswer:
    """Answer for all addresses, or for some. What would leave on it waits a minute, so that you can take it back."""
    user, mine = _mine(request)
    asked = found(mine.consultations().select_related("unit"), number=number)
    removals = None
    if new.addresses is not None:
        lines = mine.consultation_lines().filter(consultation=asked)
        removals = list(
            mine.removals().filter(uid__in=new.addresses, pk__in=lines.values("removal")).distinct()
        )
        if len(removals) != len(set(new.addresses)):
            raise Refused("One of these addresses is not in this question.", code="scope")
    unit = mine.units().filter(key=new.unit).first() if new.unit else None
    for moment in (new.until, new.review_at, new.valid_until):
        if moment is not None and moment.tzinfo is None:
            raise Refused("Write times with their zone, like 2026-05-12T10:00:00Z.", code="time")
    made = answer_step.record(
        asked,
        kind=new.kind,
        by=user.actor(auth="officer-token"),
        at=_now(),
        policy=policies.load(load().country),
        removals=removals,
        until=new.until,
        review_at=new.review_at,
        valid_until=new.valid_until,
        reason=new.reason,
        reference=_line(new.reference, 200),
        conditions=tuple(new.conditions),
        note_text=_line(new.note, 2000),
        pass_to=unit if new.kind == words.PASS_ON else None,
    )
    return _answer(found(mine.answers().select_related("by"), pk=made.pk))


@router.post(
    "/police/answers/{answer}/undo",
    response={200: GivenAnswer, 400: Fault, 401: Fault, 403: Fault, 404: Fault},
)
def take_back(request: HttpRequest, answer: int) -> GivenAnswer:
    """Take an answer back within its minute. The record keeps both."""
    user, mine = _mine(request)
    row = found(mine.answers().select_related("consultation", "by"), pk=answer)
    undo_step.undo(row, by=user.actor(auth="officer-token"), at=_now())
    return _answer(row)


def _line(text: str, longest: int) -> str:
    return text.replace("\x00", "").strip()[:longest]


class NewRequest(Schema):
    """What your unit asks of the hotline. `kind`: check, preserve, evidence, statement, decision, note.

    A note carries a handling mark: house, liaison or ask-first."""

    kind: str
    addresses: list[str] = []
    text: str = ""
    reference: str = ""
    mark: str = ""


class RequestLine(Schema):
    """One address of a request; of a bulk check with what is known of it."""

    address: str
    state: str


class Request(Schema):
    """A request of your unit, or a note to it, with its clock and its outcome report."""

    number: str
    kind: str
    outgoing: bool
    mark: str
    reference: str
    text: str
    at: datetime
    due_at: datetime
    outcome: str
    outcome_text: str
    outcome_at: datetime | None
    addresses: list[RequestLine]


class RequestPage(Schema):
    """A page of requests, newest first."""

    count: int
    requests: list[Request]


class NewDigests(Schema):
    """Digests under this year's key, 64 hex digits each."""

    digests: list[str]


class Taken(Schema):
    """How many digests were taken. What they match is never said."""

    taken: int


def _request(row: PoliceRequest, mine: Scoped) -> Request:
    lines = list(mine.police_request_lines().filter(request=row).order_by("position"))
    known = requests_step.states(lines) if row.kind == liaison.CHECK else {}
    return Request(
        number=row.number,
        kind=row.kind,
        outgoing=row.outgoing,
        mark=row.mark,
        reference=row.reference,
        text=row.text,
        at=row.at,
        due_at=row.due_at,
        outcome=row.outcome,
        outcome_text=row.outcome_text,
        outcome_at=row.outcome_at,
        addresses=[
            RequestLine(address=line.reported, state=known[line.pk][0] if line.pk in known else "")
            for line in lines
        ],
    )


@router.get("/police/requests", response={200: RequestPage, 400: Fault, 401: Fault})
def listed_requests(
    request: HttpRequest, limit: int = reading.PAGE, offset: int = reading.FROM
) -> RequestPage:
    """What your unit asked of the hotline, and notes to it."""
    _, mine = _mine(request)
    rows = mine.police_requests().order_by("-at", "-pk")
    return RequestPage(
        count=rows.count(), requests=[_request(row, mine) for row in rows[offset : offset + limit]]
    )


@router.get("/police/requests/{number}", response={200: Request, 401: Fault, 404: Fault})
def one_request(request: HttpRequest, number: str) -> Request:
    """One request, with what is known of each address now."""
    _, mine = _mine(request)
    return _request(found(mine.police_requests(), number=number), mine)


@router.post("/police/requests", response={200: Request, 400: Fault, 401: Fault, 403: Fault})
def ask(request: HttpRequest, new: NewRequest) -> Request:
    """Ask for a bulk check, preservation, evidence or a statement; send a decision or a note."""
    user, mine = _mine(request)
    made = requests_step.ask(
        found(mine.units(), pk=user.unit_id),
        kind=new.kind,
        text=new.text.replace("\x00", ""),
        addresses=[line.replace("\x00", "") for line in new.addresses],
        reference=_line(new.reference, 200),
        mark=new.mark,
        by=user.actor(auth="officer-token"),
        at=_now(),
        policy=policies.load(load().country),
    )
    return _request(made, mine)


@router.post("/police/digests", response={200: Taken, 400: Fault, 401: Fault, 403: Fault})
def hand_in(request: HttpRequest, new: NewDigests) -> Taken:
    """Hand in digests for de-confliction. They are sealed to the matcher before they are stored."""
    user, mine = _mine(request)
    taken = deconflict.upload(
        found(mine.units(), pk=user.unit_id),
        "\n".join(new.digests),
        public=sealing.matcher_public(load().keys),
        by=user.actor(auth="officer-token"),
        at=_now(),
    )
    return Taken(taken=taken)
