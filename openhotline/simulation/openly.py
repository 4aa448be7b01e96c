"""What a mail shows to whoever reads it on its way, and whether that names what was reported.

True here: judged from the bytes that the relay took, never from the parts the house made them of. Sealed is what
RFC 3156 or RFC 8551 encrypt, and nothing else; the headers around it are open. Not here: when it is asked (`promises`).
"""

import re
from collections.abc import Iterable, Iterator
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from urllib.parse import unquote, urlsplit


def names_of(addresses: Iterable[str]) -> tuple[str, ...]:
    """What nobody may read in an open mail: each address without its scheme, its host and that host's domain, and each
    part of its path, the account among them."""
    found: dict[str, None] = {}
    for address in addresses:
        parts = urlsplit(address)
        host = parts.hostname or ""
        inner = [part for part in parts.path.split("/") if part]
        for name in (address.partition("://")[2], host, ".".join(host.split(".")[-2:]), *inner):
            found[_plain(name)] = None
    return tuple(found)


def named(raw: bytes, names: Iterable[str]) -> str:
    """The first of `names` (as of `names_of`) that stands in the open part of a mail, "" where none does."""
    text = _plain("\n".join(_shown(BytesParser(EmailMessage, policy=default).parsebytes(raw))))
    joined = re.sub(r"\s+", "", text)  # an address broken over two lines is still one
    return next((name for name in names if name in text or ("/" in name and name in joined)), "")


def _shown(part: EmailMessage) -> Iterator[str]:
    """Headers and contents in clear, each with its encoding for the way undone."""
    for name, value in part.items():
        yield f"{name}: {value}"
    if _sealed(part):
        return
    if part.is_multipart():
        for inner in part.iter_parts():
            yield from _shown(inner)  # type: ignore[arg-type]
        return
    content = part.get_payload(decode=True) or b""
    yield bytes(content).decode("utf-8", "replace")


def _sealed(part: EmailMessage) -> bool:
    kind = part.get_content_type()
    said = str(part["Content-Type"] or "").lower()
    return (kind == "multipart/encrypted" and "application/pgp-encrypted" in said) or (
        kind == "application/pkcs7-mime" and "enveloped-data" in said
    )


def _plain(text: str) -> str:
    """One spelling of it: no capitals, no percent signs, no brackets that only keep it from being pressed."""
    return unquote(text).casefold().replace("hxxp", "http").replace("[.]", ".").replace("(.)", ".")
