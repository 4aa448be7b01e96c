"""Words: of notices (`texts/`), and those not used here (`terms.toml`).

What is not here: how one field is read (`policy/table.py`), and what follows from the values (`openhotline/rules`).
"""

from openhotline.policy.table import PolicyFault, Table
from openhotline.rules.notice import ALERT_KEYS, TEXT_KEYS, TOLD_KEYS, Texts
from openhotline.rules.terms import Term, term


def term_of(row: Table) -> Term:
    """`[[term]]` of terms.toml."""
    try:
        return term(
            row.text("key"), row.text("pattern"), row.text("advice"), row.text("level"), row.texts("allow")
        )
    except ValueError as fault:
        raise PolicyFault(f"{row.file}: {fault}") from None


def notice_texts(language: str, table: Table) -> Texts:
    """The words of notices, alerts and short letters in one language, every key there and every place to fill a known one."""
    known = dict.fromkeys(
        [
            "number",
            "count",
            "n",
            "host",
            "hotline",
            "sent",
            "what",
            "ground",
            "days",
            "link",
            "page",
            "code",
            "due",
            "address",
            "seen",
            "referrer",
            "server",
            "phone",
            "verify",
            "appeal",
            "countries",
            "domain",
        ],
        "x",
    )
    says = {key: table.text(key) for key in TEXT_KEYS}
    alert = table.table("alert")
    says |= {f"alert_{key}": alert.text(key) for key in ALERT_KEYS}
    told = table.table("told")
    says |= {f"told_{key}": told.text(key) for key in TOLD_KEYS}
    for key, text in says.items():
        try:
            text.format(**known)
        except (KeyError, IndexError, ValueError) as fault:
            raise table.fault(key, f"has a place nobody fills ({fault})") from None
    kinds = table.table("what")
    what = {key: kinds.text(key) for key in (*kinds.value,)}
    if "other" not in what:
        raise table.fault("what", "lacks “other”")
    return Texts(language, says, what, table.texts("forbidden"))
