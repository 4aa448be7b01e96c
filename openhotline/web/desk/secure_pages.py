"""The page behind a letter up the ladder or an alert, as the desk sees it: whether it was opened, what was said and asked there.

What is not here: what its reader sees (`web/portal/letters`), and answering itself (`steps/confirm`).
"""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from openhotline.rules.refusals import Refused
from openhotline.steps import confirm
from openhotline.steps import secure_page as step
from openhotline.web.desk import bench, mailbox, outward, rows, times
from openhotline.web.scoped import found


@require_safe
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One such page."""
    return page(request, pk)


def page(request: HttpRequest, pk: int, refusal: Refused | None = None, **_: object) -> HttpResponse:
    """The desk's view of it."""
    at, scoped = bench.now(request), bench.scoped(request)
    row = found(scoped.secure_pages().select_related("notice", "alert__host", "domain"), pk=pk)
    said = scoped.host_answers().filter(page=row).select_related("removal__item").order_by("at", "pk")[:1000]
    about = (
        scoped.removals().filter(pk__in=confirm.covered(row)).select_related("item", "host").order_by("pk")
    )
    return render(
        request,
        "desk/secure_page.html",
        {
            "row": row,
            "word": outward.PAGES.get(row.kind, row.kind),
            "opened": times.when(row.opened_at, at) if row.opened_at else "",
            "said": [(times.when(one.at, at), outward.SAID.get(one.said, one.said), one) for one in said],
            "channel": mailbox.channel(scoped.notice_messages().filter(page=row), at),
            "typed": request.POST.get("text", ""),
            "nobody": not step.reached(row, at=at).mail,
            "rows": rows.of_removals(list(about[:1000]), scoped, open_to=bench.sees_holds(request), at=at),
            "refusal": refusal.sentence if refusal else "",
        },
    )


@require_POST
@bench.kept(page)
def answer(request: HttpRequest, pk: int) -> HttpResponse:
    """An answer in its channel: on the page, and by letter where somebody may be written to."""
    row = found(bench.scoped(request).secure_pages().select_related("domain", "alert__host"), pk=pk)
    at = bench.now(request)
    to = step.reached(row, at=at)
    confirm.reply(row, request.POST.get("text", ""), to=to, by=bench.actor(request), at=at)
    return HttpResponseRedirect(reverse("secure-page", args=[pk]), status=303)
