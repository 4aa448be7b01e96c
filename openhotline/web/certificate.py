"""The client certificate a proxy in front of the portal saw, and whether its word counts.

The proxy speaks TLS, has the client prove its key, and hands the certificate on: as `Client-Cert` of RFC 9440
(`:base64 DER:`) or URL-encoded PEM, as nginx spells it. It counts where the request comes from the proxy's address and
carries `X-Proxy-Secret` with what stands in keys/proxy.secret; anybody else who sends the header is not heard. Whose
certificate it is, is asked by its SHA-256 alone, so no authority has to vouch. What is not here: who may do what with it.
"""

import base64
import binascii
import hmac
from datetime import datetime
from hashlib import sha256
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote_to_bytes

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from openhotline.settings import load

PRESENTED = "openhotline.certificate"  # in the environment of a request; no header can have this name
HEADERS = ("HTTP_CLIENT_CERT", "HTTP_CLIENT_CERT_CHAIN", "HTTP_X_PROXY_SECRET")
LONGEST = 16_384


def take(environ: dict[str, Any]) -> None:
    """Move what the proxy said from the headers to a place no client reaches. Before the address is forgotten."""
    if PRESENTED not in environ:
        environ[PRESENTED] = _presented(environ)
    for name in HEADERS:
        environ.pop(name, None)


def _presented(environ: dict[str, Any]) -> str:
    said = str(environ.get("HTTP_CLIENT_CERT", ""))
    if not said or len(said) > LONGEST:
        return ""
    settings = load()
    try:
        where = ip_address(str(environ.get("REMOTE_ADDR", "")))
    except ValueError:
        return ""
    secret = settings.proxy_secret
    near = any(where in network for network in settings.certificate_networks)
    given = str(environ.get("HTTP_X_PROXY_SECRET", "")).encode("latin-1", "replace")
    return said if near and secret and hmac.compare_digest(given, secret) else ""


def fingerprint(environ: dict[str, Any], *, at: datetime) -> str:
    """SHA-256 of the certificate that was presented and is valid at `at`, hex; "" where there is none."""
    said = str(environ.get(PRESENTED, ""))
    try:
        if said.startswith(":"):
            found = x509.load_der_x509_certificate(base64.b64decode(said.strip(":"), validate=True))
        else:
            found = x509.load_pem_x509_certificate(unquote_to_bytes(said))
        if not found.not_valid_before_utc <= at <= found.not_valid_after_utc:
            return ""
        return sha256(found.public_bytes(Encoding.DER)).hexdigest()
    except (ValueError, binascii.Error):
        return ""
