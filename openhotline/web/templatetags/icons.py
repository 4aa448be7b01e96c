"""Icons: one sprite per page, holding only what the page uses. Drawn in `templates/parts/icons.html`."""

import re
from functools import lru_cache
from pathlib import Path

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

_FILE = Path(__file__).resolve().parent.parent / "templates" / "parts" / "icons.html"
_SYMBOL = re.compile(r'<symbol id="([^"]+)".*?</symbol>', re.DOTALL)


@lru_cache(maxsize=1)
def drawn() -> dict[str, str]:
    """Every icon drawn for the house: name -> its `<symbol>`."""
    return {found[1]: found[0] for found in _SYMBOL.finditer(_FILE.read_text())}


@register.simple_tag
def sprite(names: str) -> SafeString:
    """`{% sprite "exit phone" %}`: the hidden sprite. Raises KeyError for an icon nobody drew."""
    symbols = "".join(drawn()[name] for name in dict.fromkeys(names.split()))
    return mark_safe(f'<svg width="0" height="0" hidden aria-hidden="true">{symbols}</svg>')  # noqa: S308  our own file


@register.simple_tag
def icon(name: str) -> SafeString:
    """`{% icon "exit" %}`: one icon, silent to screen readers; the words beside it say it."""
    return format_html('<svg class="i" aria-hidden="true"><use href="#{}"/></svg>', name)
