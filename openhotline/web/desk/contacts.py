"""Presses on a host's page: propose a contact, verify it as the second person, retire it; name its site; log a call.

True here: nobody is written to before two different people stand for a contact. What is not here: the page
(`hosts`) and the rules (`steps/contact`).
"""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from openhotline.rules.refusals import Refused
from openhotline.steps import alert, contact, hook, ladder, notify, public_key, units
from openhotline.steps import program as programs
from openhotline.web.desk import bench
from openhotline.web.desk.hosts import page
from openhotline.web.scoped import found


def _back(pk: int) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("host", args=[pk]), status=303)


@require_POST
@bench.kept(page)
def propose(request: HttpRequest, pk: int) -> HttpResponse:
    """The first person: this is how they are reached."""
    host = found(bench.scoped(request).hosts(), pk=pk)
    contact.propose(
        host,
        request.POST.get("mail", ""),
        source=request.POST.get("source", ""),
        page=request.POST.get("page", "").strip(),
        by=bench.actor(request),
        at=bench.now(request),
    )
    return _back(pk)


@require_POST
@bench.kept(page)
def verify(request: HttpRequest, pk: int, contact: int) -> HttpResponse:
    """The second person: from now on the house writes to it."""
    row = found(bench.scoped(request).contacts().select_related("host"), pk=contact, host=pk)
    notify.verify_contact(row, by=bench.actor(request), at=bench.now(request))
    return _back(pk)


@require_POST
@bench.kept(page)
def retire(request: HttpRequest, pk: int, contact: int) -> HttpResponse:
    """It is no longer right, and why."""
    row = found(bench.scoped(request).contacts().select_related("host"), pk=contact, host=pk)
    notify.retire_contact(
        row, why=request.POST.get("why", ""), by=bench.actor(request), at=bench.now(request)
    )
    return _back(pk)


@require_POST
@bench.kept(page)
def site(request: HttpRequest, pk: int) -> HttpResponse:
    """The host's own domain."""
    host = found(bench.scoped(request).hosts(), pk=pk)
    contact.name_site(host, request.POST.get("site", ""), by=bench.actor(request), at=bench.now(request))
    return _back(pk)


@require_POST
@bench.kept(page)
def call(request: HttpRequest, pk: int) -> HttpResponse:
    """A phone call, logged by whoever made it."""
    scoped = bench.scoped(request)
    host = found(scoped.hosts(), pk=pk)
    number = request.POST.get("notice", "")
    about = found(scoped.notices(), number=number, host=host) if number else None
    contact.log_call(
        host,
        outcome=request.POST.get("outcome", ""),
        text=request.POST.get("text", "").replace("\x00", ""),
        notice=about,
        by=bench.actor(request),
        at=bench.now(request),
    )
    return _back(pk)


@require_POST
@bench.kept(page)
def letters(request: HttpRequest, pk: int) -> HttpResponse:
    """The language and form of the host's notices."""
    host = found(bench.scoped(request).hosts(), pk=pk)
    contact.letters_as(
        host,
        language=request.POST.get("language", ""),
        form=request.POST.get("form", ""),
        by=bench.actor(request),
        at=bench.now(request),
    )
    return _back(pk)


@require_POST
@bench.kept(page)
def key(request: HttpRequest, pk: int, contact: int) -> HttpResponse:
    """The first person brings a contact's key."""
    row = found(bench.scoped(request).contacts().select_related("host"), pk=contact, host=pk)
    public_key.propose(row, request.POST.get("key", ""), by=bench.actor(request), at=bench.now(request))
    return _back(pk)


@require_POST
@bench.kept(page)
def settle_key(request: HttpRequest, pk: int, key: int) -> HttpResponse:
    """The second person types the fingerprint; or anybody retires the key."""
    row = found(bench.scoped(request).contact_keys().select_related("contact"), pk=key, contact__host=pk)
    by, at = bench.actor(request), bench.now(request)
    if request.POST.get("retire"):
        public_key.retire(row, by=by, at=at)
    else:
        public_key.verify(row, request.POST.get("fingerprint", ""), by=by, at=at)
    return _back(pk)


@require_POST
@bench.kept(page)
def program(request: HttpRequest, pk: int) -> HttpResponse:
    """A key and a secret for the host's program, shown once; or closing it."""
    host = found(bench.scoped(request).hosts(), pk=pk)
    by, at = bench.actor(request), bench.now(request)
    if request.POST.get("close"):
        programs.close(found(bench.scoped(request).host_programs(), host=host), by=by, at=at)
        return _back(pk)
    if "hook" in request.POST:
        row = found(bench.scoped(request).host_programs(), host=host)
        hook.tell_at(row, request.POST["hook"], by=by, at=at)
        return _back(pk)
    _, secret = programs.make(host, by=by, at=at)
    return page(request, pk, secret=secret)


@require_POST
@bench.kept(page)
def registration(request: HttpRequest, pk: int) -> HttpResponse:
    """A host abroad asks to be alerted: written down, confirmed by a second person, or ended."""
    scoped, by, at = bench.scoped(request), bench.actor(request), bench.now(request)
    host = found(scoped.hosts(), pk=pk)
    press = request.POST.get("press", "")
    if press not in ("confirm", "end"):
        alert.register(host, why=request.POST.get("registered_why", ""), by=by, at=at)
        return _back(pk)
    row = found(scoped.registrations(), host=host, ended_at=None)
    (alert.confirm if press == "confirm" else alert.end)(row, by=by, at=at)
    return _back(pk)


@require_POST
@bench.kept(page)
def stands(request: HttpRequest, pk: int) -> HttpResponse:
    """Which network is above the host, and whether the code of practice binds it."""
    scoped = bench.scoped(request)
    host = found(scoped.hosts(), pk=pk)
    name = request.POST.get("upstream", "").strip()
    above = scoped.hosts().filter(name__iexact=name).order_by("pk").first() if name else None
    if name and above is None:
        raise Refused(
            "No host of that name is known. Type it as it stands in the list of hosts.", code="upstream"
        )
    member = request.POST.get("member") == "1"
    ladder.stands(host, upstream=above, member=member, by=bench.actor(request), at=bench.now(request))
    return _back(pk)


@require_POST
@bench.kept(page)
def place(request: HttpRequest, pk: int) -> HttpResponse:
    """In which of the units' areas the host stands; a second person confirms it on the page of units."""
    units.propose_place(
        found(bench.scoped(request).hosts(), pk=pk),
        request.POST.get("area", ""),
        why=request.POST.get("place_why", ""),
        by=bench.actor(request),
        at=bench.now(request),
    )
    return _back(pk)


@require_POST
@bench.kept(page)
def breach(request: HttpRequest, pk: int, breach: int) -> HttpResponse:
    """A manager says what came of a member's breach."""
    row = found(bench.scoped(request).breaches().select_related("host", "notice"), pk=breach, host=pk)
    ladder.settle_breach(
        row, note_text=request.POST.get("note", ""), by=bench.actor(request), at=bench.now(request)
    )
    return _back(pk)
