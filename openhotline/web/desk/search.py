"""One box for everything: a reference, an address in any spelling, a host, an organisation, an IP address.

True here: what was searched for is sent in the body and never stands in an address of ours. What is not
here: reading addresses (`rules/urls.py`).
"""

import ipaddress

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from openhotline.records.models import Item
from openhotline.rules import references, urls
from openhotline.web.desk import bench, rows
from openhotline.web.scoped import Scoped

MOST = 100


@require_http_methods(["GET", "HEAD", "POST"])
def search(request: HttpRequest) -> HttpResponse:
    """Straight to the case where there is exactly one; else what was found."""
    text = request.POST.get("q", "").strip()[:4096]
    scoped, at = bench.scoped(request), bench.now(request)
    if text:
        to = _reference(text, scoped)
        if to:
            return HttpResponseRedirect(to, status=303)
    items = _items(text, scoped) if text else []
    hosts = list(scoped.hosts().filter(name__icontains=text[:100]).order_by("name")[:20]) if text else []
    if len(items) == 1 and not hosts:
        return HttpResponseRedirect(reverse("case", args=[items[0].ref]), status=303)
    listed = rows.of_items(items, scoped, user_id=bench.actor(request).user_id or 0, at=at)
    return render(request, "desk/search.html", {"q": text, "rows": listed, "hosts": hosts, "most": MOST})


def _reference(text: str, scoped: Scoped) -> str:
    """Where a reference leads, "" if it is none or leads nowhere."""
    read = references.parse(text)
    if read is None:
        return ""
    for rows_, which, name in (
        (scoped.items(), "ref", "case"),
        (scoped.consultations(), "number", "consultation"),
        (scoped.notices(), "number", "notice-page"),
        (scoped.referrals(), "number", "referral"),
    ):
        if rows_.filter(**{which: read.text}).exists():
            return reverse(name, args=[read.text])
    return ""


def _items(text: str, scoped: Scoped) -> list[Item]:
    """Items an address, a host name or an IP literal leads to, newest first."""
    address = urls.read(text, keep_fragment_hosts=bench.policy().keep_fragment_hosts)
    if address.ok:
        exact = list(scoped.items().filter(key_digest=address.key_digest))
        if exact:
            return exact
    name = (address.host if address.ok else text.lower()).strip("[]")
    try:
        literal = str(ipaddress.ip_address(name))
    except ValueError:
        literal = ""
    if literal:
        traced = scoped.traces().filter(address__contains=literal).order_by("-at")[:2000]
        ids = {row.item_id for row in traced if literal in row.address.split(",")}
        return list(scoped.items().filter(pk__in=ids).order_by("-received_at")[:MOST])
    if not name or " " in name:
        return []
    return list(scoped.items().filter(host=name).order_by("-received_at")[:MOST])
