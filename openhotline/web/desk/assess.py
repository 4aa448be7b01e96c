"""Assessing: the pane beside the queue and the same as a page of its own. Take, decide, pass on.

True here: a GET takes nothing; taking is a press. The second reader sees no earlier opinion of the running
round (`opinions.readable`). Only words and numbers come in: the content is looked at outside this product.
What is not here: what an opinion leads to (`steps/assess`).
"""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from openhotline.records.models import Item
from openhotline.rules import item_path, words
from openhotline.rules.opinion import REASONS, Opinion
from openhotline.rules.permits import may
from openhotline.rules.refusals import Refused
from openhotline.rules.urls import defang
from openhotline.settings import load
from openhotline.steps import assess as step
from openhotline.steps import retract
from openhotline.web.desk import bench, opinions, rows, times, veil, views
from openhotline.web.scoped import found

AGE_KEYS = {"infant": "I", "pre-pubescent": "P", "pubescent": "T", "unclear": "N"}


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody has put into the form so far; kept when it is refused."""

    decision: str = ""
    age: str = ""
    files: str = ""
    seconds: str = ""
    reason: str = ""
    points: list[str] = field(default_factory=list)


def typed(request: HttpRequest) -> Typed:
    """The form as it was sent; empty on a GET."""
    post = request.POST
    return Typed(
        post.get("decision", ""),
        post.get("age", ""),
        post.get("files", "")[:9],
        post.get("seconds", "")[:9],
        post.get("reason", ""),
        post.getlist("points"),
    )


def pane(
    request: HttpRequest, item: Item, *, view: str = "open", refusal: Refused | None = None
) -> dict[str, Any]:
    """What the pane shows about an item, for whoever looks."""
    at, scoped, who = bench.now(request), bench.scoped(request), bench.actor(request)
    policy = bench.policy()
    read = opinions.readable(scoped, who.user_id or 0).filter(item=item)
    lines = scoped.report_lines().filter(item=item)
    kinds = [
        rows.SOURCE_NAMES.get(source, source)
        for source in lines.values_list("report__source", flat=True)[:200]
    ]
    notes = scoped.reports().filter(lines__item=item, sealed__isnull=False).distinct().count()
    mine = item.locked_by_id == who.user_id and item.locked_until is not None and item.locked_until > at
    held = item.locked_until is not None and item.locked_until > at and not mine
    reading = {item_path.GRADED_ONCE: "second", item_path.DISPUTED: "lead"}.get(item.status, "first")
    verb = {"first": "take", "second": "second", "lead": "decide"}[reading]
    own = scoped.assessments().filter(item=item, by=who.user_id, round=item.readings)
    done = own.filter(step.READ).exists()
    waiting = item.status in (
        item_path.RECEIVED,
        item_path.ASSESSING,
        item_path.GRADED_ONCE,
        item_path.DISPUTED,
    )
    return {
        "item": item,
        "view_key": view,
        "address": defang(item.canonical),
        "referrer": defang(item.referrer) if item.referrer else "",
        "sources": _count(kinds),
        "notes": notes,
        "clock": times.left(item.due_at, at, name=item.clock),
        "mine": mine and waiting,
        "held": held,
        "done": done,
        "reading": reading,
        "waiting": waiting,
        "may_take": waiting and not held and not done and may(Item.PATH, verb, who),
        "until": item.locked_until,
        "picks": opinions.picks(policy, at.date()),
        "ages": [(key, opinions.AGE_NAMES[key], AGE_KEYS[key]) for key in AGE_KEYS],
        "points": policy.points,
        "reasons": REASONS,
        "both": list(read.filter(round=item.readings).select_related("by").order_by("pk"))
        if reading == "lead"
        else [],
        "earlier": list(read.exclude(round=item.readings).order_by("-at")[:5]),
        "typed": typed(request),
        "refusal": refusal.sentence if refusal else "",
        "back": undo_of(request),
        "shapes": veil.shapes(item.ref) if load().is_demo else [],
    }


def undo_of(request: HttpRequest) -> str:
    """The reference of the item on which this person's newest opinion can still be taken back; "" if there is none."""
    given = retract.open_to(bench.actor(request).user_id or 0, at=bench.now(request)).first()
    return given.item.ref if given else ""


def _count(kinds: list[str]) -> str:
    total = len(kinds)
    parts = ", ".join(f"{kinds.count(kind)} {kind.lower()}" for kind in dict.fromkeys(kinds))
    return f"{total} joined: {parts}" if total > 1 else (f"1, {parts[2:]}" if total else "none")


@require_safe
def pane_part(request: HttpRequest, ref: str) -> HttpResponse:
    """The pane alone, for a list that is on screen already. Its own page without script."""
    item = found(bench.scoped(request).items(), ref=ref)
    view = request.GET.get("view", "open")
    name = "desk/pane.html" if request.headers.get("HX-Request") else "desk/assess.html"
    return render(request, name, pane(request, item, view=view))


def page(request: HttpRequest, ref: str, refusal: Refused | None = None) -> HttpResponse:
    """The assessment as a page, or as the pane where the list asked for it."""
    item = found(bench.scoped(request).items(), ref=ref)
    view = request.POST.get("view") or request.GET.get("view", "open")
    name = "desk/pane.html" if request.headers.get("HX-Request") else "desk/assess.html"
    return render(request, name, pane(request, item, view=view, refusal=refusal))


@require_POST
@bench.kept(page)
def take(request: HttpRequest, ref: str) -> HttpResponse:
    """Take the item: it is locked to this person for half an hour."""
    item = found(bench.scoped(request).items(), ref=ref)
    step.take([item], by=bench.actor(request), at=bench.now(request), policy=bench.policy())
    return _to(request, item.ref)


@require_POST
@bench.kept(page)
def pass_on(request: HttpRequest, ref: str) -> HttpResponse:
    """Hand the item back; no reason is asked."""
    item = found(bench.scoped(request).items(), ref=ref)
    who, at = bench.actor(request), bench.now(request)
    if item.locked_by_id != who.user_id:
        raise Refused(f"{item.ref} is not yours to pass on. Take it first.", code="locked")
    step.pass_on([item], by=who, at=at)
    return _to(request, _next(request, item), of=item.ref, toast="is back in the queue.")


@require_POST
@bench.kept(page)
def grade(request: HttpRequest, ref: str) -> HttpResponse:
    """Save the opinion, and take the next item of the view."""
    item = found(bench.scoped(request).items(), ref=ref)
    who, at, policy = bench.actor(request), bench.now(request), bench.policy()
    given = opinion_of(request)
    step.grade([item], given, by=who, at=at, policy=policy)
    following = _next(request, item)
    if following:
        waiting = found(bench.scoped(request).items(), ref=following)
        with suppress(Refused):  # a colleague was quicker: the pane says so
            step.take([waiting], by=who, at=at, policy=policy)
    saved = opinions.in_words(given.opinion, given.cls, given.category)
    return _to(
        request, following, of=item.ref, toast=f"saved: {saved.lower() if not given.category else saved}."
    )


@require_POST
@bench.kept(page)
def take_back(request: HttpRequest, ref: str) -> HttpResponse:
    """Take one's own opinion back, within half a minute: the item is in the pane again."""
    item = found(bench.scoped(request).items(), ref=ref)
    who, at = bench.actor(request), bench.now(request)
    given = bench.scoped(request).assessments().filter(item=item, by=who.user_id).order_by("pk").last()
    if given is None:
        raise Refused("You have given no opinion on this. There is nothing to take back.", code="settled")
    retract.retract(given, by=who, at=at, policy=bench.policy())
    following = "Somebody else is the second reader now." if given.reading == "second" else "Give it anew."
    return _to(request, item.ref, of=item.ref, toast=f"is open again, without your opinion. {following}")


def opinion_of(request: HttpRequest) -> Opinion:
    """The opinion in the form. Raises Refused where it says nothing that can be read."""
    form = typed(request)
    kind, _, which = form.decision.partition(":")
    files, seconds = bench.number(request, "files"), bench.number(request, "seconds")
    points = tuple(form.points)
    if kind == "category":
        return Opinion(words.ILLEGAL, words.CHILD_SEXUAL_ABUSE, which, form.age, files, points, seconds)
    if kind == "class":
        return Opinion(words.ILLEGAL, which, "", form.age, files, points, seconds)
    reason = form.reason if kind == words.UNREACHABLE else ""
    return Opinion(kind, files=files, points=points, seconds=seconds, reason=reason)


def _next(request: HttpRequest, item: Item) -> str:
    """The reference of the next item of the view this person may take, "" if there is none."""
    view = views.BY_KEY.get(request.POST.get("view", ""), views.VIEWS[0])
    who = bench.actor(request)
    following = views.next_to_take(
        view, bench.scoped(request), who.user_id or 0, bench.now(request), not_this=item.pk
    )
    return following.ref if following else ""


def _to(request: HttpRequest, ref: str, *, of: str = "", toast: str = "") -> HttpResponse:
    """Back to the list with `ref` in the pane, or to its page where the form came from one; `toast` says what became of `of`."""
    if toast:
        messages.success(request, format_html('<span class="id">{}</span> {}', of, toast))
    view = request.POST.get("view", "open")
    if request.POST.get("alone") and ref:
        target = f"{reverse('assess', args=[ref])}?{urlencode({'view': view})}"
    else:
        target = f"{reverse('queue')}?{urlencode({'view': view, **({'at': ref} if ref else {})})}"
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": target})
    return HttpResponseRedirect(target, status=303)
