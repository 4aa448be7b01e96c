"""What only people can settle: a silent police unit (two of them, four eyes), a letter in doubt,
and one that was refused.

The buttons are drawn for those who may press them; the steps ask again. What is not here: the lists these
stand in (`lists.py`).
"""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from openhotline.outbox import queue, settling
from openhotline.outbox.entries import TO_FORGET
from openhotline.records.models import SilenceProposal
from openhotline.rules import permits
from openhotline.rules.refusals import Refused
from openhotline.steps import doubt, refer, silence
from openhotline.web.desk import bench, lists
from openhotline.web.scoped import found


@require_POST
@bench.kept(lists.consultation_page)
def propose(request: HttpRequest, number: str) -> HttpResponse:
    """The first person proposes: go ahead without an answer, or hold."""
    row = found(bench.scoped(request).consultations(), number=number)
    wanted = request.POST.get("outcome", "")
    if wanted not in ("clear", "hold"):
        raise Refused("Choose: go ahead without an answer, or hold.", code="outcome")
    silence.propose(
        row,
        clear=wanted == "clear",
        why=request.POST.get("why", "")[:2000],
        by=bench.actor(request),
        at=bench.now(request),
    )
    return HttpResponseRedirect(reverse("consultation", args=[number]), status=303)


def _proposal(request: HttpRequest, number: str) -> SilenceProposal:
    """What was proposed about this consultation and waits for a second person; 404 where nothing does."""
    scoped = bench.scoped(request)
    rows = scoped.silence_proposals().select_related("proposed_by", "consultation")
    return found(rows, consultation=found(scoped.consultations(), number=number), settled_at=None)


@require_POST
@bench.kept(lists.consultation_page)
def confirm(request: HttpRequest, number: str) -> HttpResponse:
    """The second person agrees; now it is done."""
    proposal = _proposal(request, number)
    silence.confirm(proposal, by=bench.actor(request), at=bench.now(request), policy=bench.policy())
    return HttpResponseRedirect(reverse("consultation", args=[number]), status=303)


@require_POST
@bench.kept(lists.consultation_page)
def withdraw(request: HttpRequest, number: str) -> HttpResponse:
    """The first person takes it back, or a second declines it."""
    proposal = _proposal(request, number)
    silence.withdraw(proposal, by=bench.actor(request), at=bench.now(request))
    return HttpResponseRedirect(reverse("consultation", args=[number]), status=303)


@require_POST
@bench.kept(lists.referral_page)
def refer_again(request: HttpRequest, number: str) -> HttpResponse:
    """A referral that was refused for good leaves once more."""
    row = found(bench.scoped(request).referrals().select_related("partner", "unit"), number=number)
    refer.again(row, by=bench.actor(request), at=bench.now(request))
    return HttpResponseRedirect(reverse("referral", args=[number]), status=303)


def letter_page(request: HttpRequest, pk: int, refusal: Refused | None = None) -> HttpResponse:
    """One letter in doubt, with both risks named; or one that was refused."""
    row = found(bench.scoped(request).letters(), pk=pk)
    return render(
        request,
        "desk/letter.html",
        {
            "letter": row,
            "may_decide": permits.may_act("letter.decide", bench.actor(request)),
            "may_leave_again": row.kind not in ("notice", *TO_FORGET),
            "typed": request.POST.get("why", ""),
            "refusal": refusal.sentence if refusal else "",
        },
    )


def letter(request: HttpRequest, pk: int) -> HttpResponse:
    """Look at it (GET), or say what became of it or becomes of it (POST)."""
    return decide(request, pk) if request.method == "POST" else letter_page(request, pk)


@require_POST
@bench.kept(letter_page)
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """In doubt: it arrived, or it did not and leaves again. Refused: it leaves again, or need not."""
    row = found(bench.scoped(request).letters(), pk=pk)
    by, at = bench.actor(request), bench.now(request)
    press = request.POST.get("press")
    if press == "again" and row.kind == "referral":
        raise Refused("A referral leaves again from its own page.", code="referral")
    if press == "again":
        settling.again(row, by=by, at=at)
    elif press == "leave":
        queue.leave(row, why=request.POST.get("why", ""), by=by, at=at)
    elif (word := request.POST.get("arrived", "")) in ("yes", "no"):
        doubt.settle(row, arrived=word == "yes", policy=bench.policy(), by=by, at=at)
    else:
        raise Refused("Say whether it arrived. Ring the recipient if you do not know.", code="arrived")
    return HttpResponseRedirect(reverse("outbox"), status=303)
