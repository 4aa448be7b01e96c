"""The queue: saved views, least time left first, with the assessment pane on wide screens.

The view, the place in it and the item in the pane are all in the address of the page, so that it can be
shared and reloaded. What is not here: the pane itself (`assess`) and the views (`views`).
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from openhotline.rules.words import CASE_ROLES
from openhotline.web.desk import assess, bench, rows, times, views


@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """One page of one view; for who keeps the house and sees no case, what is theirs to do."""
    at, scoped, who = bench.now(request), bench.scoped(request), bench.actor(request)
    if who.role not in CASE_ROLES:
        return render(request, "desk/owner.html")
    view = views.BY_KEY.get(request.GET.get("view", "open"), views.VIEWS[0])
    after = request.GET.get("after", "")
    page = views.page(view, scoped, at, after=after)
    counts = views.counts(scoped, at)
    if view.items:
        listed = rows.of_items(page.rows, scoped, user_id=who.user_id or 0, at=at)
    else:
        listed = rows.of_removals(page.rows, scoped, open_to=bench.sees_holds(request), at=at)
    chosen = request.GET.get("at", "")
    item = scoped.items().filter(ref=chosen).first() if chosen else None
    if item is None and view.items:
        item = views.next_to_take(view, scoped, who.user_id or 0, at) if not after else None
        item = item or next(iter(page.rows), None)
    first = page.rows[0].due_at if page.rows and not after else None
    context = {
        "view": view,
        "views": [(one, counts.get(one.key, 0)) for one in views.VIEWS],
        "rows": listed,
        "count": counts.get(view.key, 0),
        "next": f"{reverse('queue')}?{urlencode({'view': view.key, 'after': page.after})}"
        if page.after
        else "",
        "first": not after,
        "soonest": times.left(first, at) if first else None,
        "at_ref": item.ref if item else "",
        "back": assess.undo_of(request),
        "open_to": bench.sees_holds(request),
    }
    if item is not None and view.items:
        context |= assess.pane(request, item, view=view.key)
        context["pane"] = True
    return render(request, "desk/queue.html", context)


@require_safe
def counts(request: HttpRequest) -> HttpResponse:
    """The saved views with fresh counts, for a queue that is on screen. Without script a reload does the same."""
    view = views.BY_KEY.get(request.GET.get("view", "open"), views.VIEWS[0])
    found = views.counts(bench.scoped(request), bench.now(request), fresh=True)
    listed = [(one, found.get(one.key, 0)) for one in views.VIEWS]
    return render(request, "desk/views.html", {"view": view, "views": listed})
