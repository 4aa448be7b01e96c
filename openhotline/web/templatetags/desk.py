"""What every page of the desk carries: counts in the rail, running alarms, looking time. And small words."""

import re
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.template import Context
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from openhotline.outbox.models import CONTACT_NEEDED, FAILED, IN_DOUBT
from openhotline.rules import abroad, report_path
from openhotline.rules.words import CASE_ROLES
from openhotline.steps import looked
from openhotline.web.desk import alarms, bench, hosts, looks, mine, opinions, outward, times, traced, views

register = template.Library()


@register.simple_tag(takes_context=True)
def rail(context: Context) -> dict[str, Any]:
    """`{% rail as own %}`: counts for the rail, running alarms, looking time today. Empty outside case work."""
    request = context["request"]
    who = getattr(request, "actor", None)
    if who is None or who.role not in CASE_ROLES:
        return {}
    scoped, at = bench.scoped(request), bench.now(request)
    letters = scoped.letters().exclude(transport="prober")
    # A notice that nobody can be written to stands with its host, under "Contacts".
    stuck = letters.filter(state__in=(CONTACT_NEEDED, FAILED, IN_DOUBT)).exclude(
        state=CONTACT_NEEDED, kind="notice"
    )
    seconds = mine.seconds_today(request)
    limit = bench.policy().clocks.looking_day
    return {
        "counts": views.counts(scoped, at),
        "incomplete": scoped.reports().filter(status=report_path.INCOMPLETE)[:1000].count(),
        "contacts": hosts.without_contact(scoped)[:1000].count(),
        "mails": scoped.mails().filter(settled_at=None)[:1000].count(),
        "appeals": scoped.appeals().filter(decided_at=None)[:1000].count(),
        "differences": scoped.differences().filter(settled_at=None)[:1000].count(),
        "letters": stuck[:1000].count(),
        "alarms": alarms.running(scoped, at),
        "looked": times.span(timedelta(seconds=seconds)) if seconds else "0 min",
        "looked_minutes": seconds // 60,
        "limit_minutes": int(limit.total_seconds() // 60),
        "limit": times.span(limit),
    }


@register.filter
def when(moment: datetime | None, at: datetime) -> str:
    """`{{ row.at|when:now }}`: the hour today, else with its date. UTC."""
    return times.when(moment, at) if moment else ""


@register.filter
def opinion(row: Any) -> str:
    """An assessment as a heading."""
    return opinions.in_words(row.opinion, row.cls, row.category)


@register.filter
def age(band: str) -> str:
    """An age band in words."""
    return opinions.AGE_NAMES.get(band, band)


@register.filter
def reading(name: str) -> str:
    """Which reader it was."""
    return opinions.READING_NAMES.get(name, name)


@register.filter
def at_dots(text: str) -> SafeString:
    """A host's name or a path that may be broken behind its dots and slashes, as a narrow column wants."""
    pieces = re.split(r"(?<=[^\W\d]\.)|(?<=/)", text)
    return format_html_join(mark_safe("<wbr>"), "{}", ((piece,) for piece in pieces))


@register.filter
def country(code: str) -> str:
    """A country's name where the house writes one."""
    return traced.country_name(code)


@register.filter
def scheme(key: str) -> str:
    """A scheme of grading by its name."""
    return next((one.name for one in bench.policy().schemes if one.key == key), key)


@register.filter
def spelled(key: str) -> str:
    """A key of an agreement as its name: "Authorise first"."""
    return key.replace("-", " ").capitalize()


@register.filter
def class_name(key: str) -> str:
    """A class of content in words."""
    return opinions.CLASS_NAMES.get(key, key)


@register.filter
def letter_name(kind: str) -> str:
    """What kind of letter it is, in words."""
    return outward.PAGES.get(kind, kind.replace("-", " ").capitalize())


@register.filter
def found_there(meaning: str) -> str:
    """What a look found, in words."""
    return looked.WORDS.get(meaning, meaning)


@register.filter
def came_back(outcome: str) -> str:
    """What came of a request, in words."""
    return looks.CAME.get(outcome, outcome)


@register.filter
def by_path(variant: str) -> str:
    """The path of a look, in words."""
    return looks.PATHS.get(variant, variant)


@register.filter
def abroad_reason(key: str) -> str:
    """A partner's reason as a sentence."""
    return abroad.REASONS.get(key, key)


@register.filter
def seconds(count: int) -> str:
    """A count of seconds in words."""
    return times.span(timedelta(seconds=count))


@register.simple_tag
def segments(agreeing: int, voting: int) -> SafeString:
    """The agreement bar: one segment per method that voted; those that differ are hatched."""
    bars = "<i></i>" * agreeing + '<i class="no"></i>' * (voting - agreeing)
    return format_html(
        '<div class="agree" role="img" aria-label="{} of {} methods agree">{}</div>',
        agreeing,
        voting,
        mark_safe(bars),  # noqa: S308  our own marks
    )
