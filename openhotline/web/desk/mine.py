"""One's own: the day so far, settings, and somebody to talk to.

True here: looking time is shown to the person; nothing here compares people (ux.md W6, W10). What is not
here: limits on looking (a later issue).
"""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from openhotline.web.desk import bench, opinions, times

THEMES = (("", "As the system"), ("light", "Light"), ("dark", "Dark"))


def seconds_today(request: HttpRequest) -> int:
    """How many seconds this person has looked today (UTC day): the sum of their own assessments."""
    start = bench.now(request).replace(hour=0, minute=0, second=0, microsecond=0)
    own = bench.scoped(request).assessments().filter(by=bench.actor(request).user_id, at__gte=start)
    return sum(own.values_list("seconds", flat=True))


@require_safe
def day(request: HttpRequest) -> HttpResponse:
    """What I did today."""
    at, who = bench.now(request), bench.actor(request)
    start = at.replace(hour=0, minute=0, second=0, microsecond=0)
    own = opinions.readable(bench.scoped(request), who.user_id or 0).filter(by=who.user_id, at__gte=start)
    given = list(own.select_related("item").order_by("-at", "-pk")[:200])
    limit = int(bench.policy().clocks.looking_day.total_seconds() // 60)
    return render(
        request,
        "desk/day.html",
        {
            "given": [
                (row, opinions.in_words(row.opinion, row.cls, row.category), times.when(row.at, at))
                for row in given
            ],
            "seconds": seconds_today(request),
            "minutes": seconds_today(request) // 60,
            "limit": limit,
        },
    )


@require_safe
def settings(request: HttpRequest) -> HttpResponse:
    """Theme, single keys, second factor."""
    return render(request, "desk/settings.html", {"themes": THEMES})


@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """Keep the settings with the account."""
    user: Any = request.user
    theme = request.POST.get("theme", "")
    if theme in dict(THEMES):
        user.theme = theme
    if "keys" in request.POST:
        user.single_keys = request.POST["keys"] == "on"
    user.save(update_fields=["theme", "single_keys"])
    messages.success(request, "Saved.")
    return bench.back(request, "/settings")


@require_safe
def keys(request: HttpRequest) -> HttpResponse:
    """Every key and the control it stands for."""
    return render(request, "desk/keys.html", {"keys": KEYS})


@require_safe
def support(request: HttpRequest) -> HttpResponse:
    """Somebody to talk to."""
    return render(request, "desk/support.html")


# The keys of `static/desk.js`; a test keeps the two alike. Each has a visible control.
KEYS = (
    ("/", "Search", "The box in the top bar"),
    ("J", "Next item in the list", "The rows of the queue"),
    ("K", "Item before it", "The rows of the queue"),
    ("1 to 7", "Decide", "The grid in the assessment"),
    ("I P T N", "Age band of the youngest child", "The four choices under the grid"),
    ("Enter", "Take it; then save and next", "The large button of the assessment"),
    ("X", "Pass on, no reason asked", "Pass on, under the grid"),
    ("Z", "Take your opinion back", "Take back, in the line at the top, for half a minute"),
    ("O", "Open the case", "Open, at the top of the assessment"),
    ("!", "Safeguarding alarm", "Alarm, on every case and assessment"),
    ("?", "This list", "Keys, at the top of the queue"),
)
