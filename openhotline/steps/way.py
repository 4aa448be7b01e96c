"""The way in to a disguised site: the page that leads there, one cookie, the addresses opened before it.

Recorded by the analyst who found it. From then on every look takes the same way, and looks on the old way no longer
count: "gone" must be seen on the path on which it was seen to be there. What is not here: walking it (connectors).
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from openhotline.records.models import Item
from openhotline.rules import urls
from openhotline.rules.permits import require_act
from openhotline.rules.refusals import Refused
from openhotline.rules.words import Actor
from openhotline.steps import likeness
from openhotline.steps.advance import note

MOST_STEPS = 8
COOKIE_CHARS = 4096


def record(
    item: Item, *, by: Actor, at: datetime, referrer: str = "", cookie: str = "", steps: Sequence[str] = ()
) -> None:
    """Record the way in to an item. Raises Refused with a sentence for what cannot be walked."""
    require_act("item.way", by)
    referrer = _address(referrer) if referrer.strip() else ""
    walked = [_address(step) for step in steps if step.strip()]
    if len(walked) > MOST_STEPS:
        raise Refused(
            f"A way in has at most {MOST_STEPS} steps. Leave out those that are not needed.", code="way"
        )
    cookie = cookie.strip()
    name, sign, _ = cookie.partition("=")
    odd = any(not " " <= letter <= "~" or letter in ";," for letter in cookie)
    if cookie and (not sign or not name.strip() or odd or len(cookie) > COOKIE_CHARS):
        raise Refused("Write the one cookie that is needed as name=value, without “;” or “,”.", code="way")
    with transaction.atomic():
        Item.objects.filter(pk=item.pk).update(
            referrer=referrer, cookie=cookie, way_steps="\n".join(walked), way_at=at
        )
        note(
            [item],
            "item.way",
            by=by,
            at=at,
            facts={"referrer": referrer, "cookie": cookie, "steps": walked},
        )
        if item.look_allowed_at is not None:
            likeness.forget([item], at=at)
    item.referrer, item.cookie, item.way_steps, item.way_at = referrer, cookie, "\n".join(walked), at


def _address(text: str) -> str:
    read = urls.read(text)
    if not read.ok or not read.canonical.startswith(("http://", "https://")):
        raise Refused(
            f"“{text.strip()[:80]}” is no web address. Write it with http:// or https://.", code="way"
        )
    return urls.dialled(read.canonical)
