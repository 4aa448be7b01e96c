"""What a TLS certificate says. Pure: DER bytes in, a `MethodAnswer` out, nothing raised.

True here: every field is a hostile string of bounded length; a certificate names names, never a country, for
the country in a subject is whatever its owner wrote. Whether it leads to a known root is not asked: an
unverifiable certificate of the right server is as good a trace as any. Not here: the handshake (`client.py`).
"""

import ssl
import warnings
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

from openhotline.rules import methods
from openhotline.rules.facts import MethodAnswer
from openhotline.rules.printable import printable

METHOD = methods.CERTIFICATE
MAX_BYTES = 64 * 1024
MAX_NAMES = 100
LONGEST_NAME = 253  # characters of a host name (RFC 1035)
SHOWN = 8


def read(der: bytes, *, host: str, source: str, at: datetime, seconds: float = 0.0) -> MethodAnswer:
    """The certificate that `host` was shown. `at` is the time of the handshake."""
    raw = ssl.DER_cert_to_PEM_cert(der[:MAX_BYTES])
    try:
        if len(der) > MAX_BYTES:
            raise ValueError("it is longer than 64 KiB")
        return _read(der, raw, host, source, at, seconds)
    except Exception as fault:  # a hostile certificate may be wrong in any way; none of them is ours
        text = " ".join(str(fault).split())[:120]
        why = f"The certificate cannot be read ({text or type(fault).__name__})."
        return MethodAnswer(METHOD, ok=False, why=why, source=source, seconds=seconds, raw=raw)


def _read(der: bytes, raw: str, host: str, source: str, at: datetime, seconds: float) -> MethodAnswer:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of certificates that break a rule: they are what we are here for
        cert = x509.load_der_x509_certificate(der)
        names = _names(cert)
        issuer, subject = _short(cert.issuer), _short(cert.subject)
        begins, ends = cert.not_valid_before_utc, cert.not_valid_after_utc
        own = cert.issuer == cert.subject
    notes = []
    if own:
        notes.append("It is signed by nobody but itself.")
    if at > ends:
        notes.append(f"It expired on {ends:%d %B %Y}.")
    elif at < begins:
        notes.append(f"It is not valid before {begins:%d %B %Y}.")
    if names and not any(_fits(name, host) for name in names):
        notes.append("None of its names is the one that was asked for.")
    shown = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
    return MethodAnswer(
        METHOD,
        ok=True,
        why=" ".join(notes),
        answer=f"{shown or subject or 'no name'}; issued by {issuer or 'nobody'}, "
        f"{begins:%Y-%m-%d} to {ends:%Y-%m-%d}",
        source=source,
        source_age_s=max(0, int((at - begins).total_seconds())),
        seconds=seconds,
        raw=raw,
        names=names,
    )


def _names(cert: x509.Certificate) -> tuple[str, ...]:
    """Names of the subject's alternative names, then the common names, each once."""
    found: list[str] = []
    try:
        extension = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        for entry in list(extension)[: MAX_NAMES * 2]:
            if isinstance(entry, x509.DNSName | x509.IPAddress | x509.UniformResourceIdentifier):
                found.append(str(entry.value))
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        pass
    found += [str(part.value) for part in cert.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    plain = (printable(name, LONGEST_NAME) for name in found)
    return tuple(dict.fromkeys(name for name in plain if name))[:MAX_NAMES]


def _short(name: x509.Name) -> str:
    for kind in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
        for part in name.get_attributes_for_oid(kind):
            return printable(str(part.value), LONGEST_NAME)
    return ""


def _fits(name: str, host: str) -> bool:
    name, host = name.lower().rstrip("."), host.lower().strip("[]").rstrip(".")
    return name == host or (name.startswith("*.") and host.partition(".")[2] == name[2:])
