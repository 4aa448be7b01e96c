"""Reading somebody else's public key: its kind, its fingerprint, whether it can be used now.

What is not here: who brought and who verified it (`steps/public_key`), and sealing letters (connectors).
"""

from datetime import UTC, datetime

from openhotline.records import cms
from openhotline.rules.refusals import Refused

OPENPGP, SMIME = "openpgp", "smime"
MAX = 64 * 1024


def read(text: str, *, at: datetime, signs: bool = False) -> tuple[str, str]:
    """(kind, fingerprint in upper-case hex) of a public key or certificate. Raises Refused in a sentence.

    `signs`: it is for checking its owner's signatures; otherwise letters are to be sealed to it.
    """
    text = text.strip()
    if len(text) > MAX or not text.isascii():
        raise Refused("This is no public key. Paste it armoured, as text.", code="key")
    if "PRIVATE KEY" in text or "SECRET KEY" in text:
        raise Refused(
            "This holds a private key. Nothing of it was kept; ask for the public one, and tell its owner.",
            code="key",
        )
    if text.startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----"):
        return OPENPGP, _openpgp(text, at, signs)
    if text.startswith("-----BEGIN CERTIFICATE-----"):
        return SMIME, _smime(text, at, signs)
    raise Refused("This is neither an OpenPGP public key nor a certificate. Paste it whole.", code="key")


def _openpgp(text: str, at: datetime, signs: bool) -> str:
    import pysequoia

    try:
        cert = pysequoia.Cert.from_bytes(text.encode("ascii"))
        if not signs:
            pysequoia.encrypt(recipients=[cert], bytes=b"can it seal")
        expires = cert.expiration
    except Exception as fault:
        raise Refused(f"This OpenPGP key cannot be used ({fault}). Ask for another.", code="key") from None
    if cert.is_revoked or (expires is not None and expires <= at):
        raise Refused("This OpenPGP key was revoked or has run out. Ask for another.", code="key")
    return str(cert.fingerprint).upper()


def _smime(text: str, at: datetime, signs: bool) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    try:
        cert = x509.load_pem_x509_certificate(text.encode("ascii"))
        kinds = (rsa.RSAPublicKey, ec.EllipticCurvePublicKey) if signs else (rsa.RSAPublicKey,)
        fits = isinstance(cert.public_key(), kinds)
        ends = cert.not_valid_after_utc
    except Exception:
        raise Refused("This certificate cannot be read. Ask for another.", code="key") from None
    if not fits:
        wanted = (
            "Signatures of RSA and elliptic-curve certificates can be checked"
            if signs
            else "Letters can be sealed to RSA certificates only"
        )
        raise Refused(f"{wanted}. Ask for one of those.", code="key")
    if ends <= at.astimezone(UTC):
        raise Refused("This certificate has run out. Ask for another.", code="key")
    return cert.fingerprint(hashes.SHA256()).hex().upper()


def signed_at(kind: str, text: str, payload: bytes, signature: bytes, *, at: datetime) -> datetime | None:
    """When `payload` was signed with this key; None where it was not."""
    if kind == SMIME:
        return cms.signed_at(text, payload, signature, at=at)
    import pysequoia

    try:
        cert = pysequoia.Cert.from_bytes(text.encode("ascii"))
        made = pysequoia.Sig.from_bytes(signature)
        found = pysequoia.verify(bytes=payload, signature=made, store=lambda _: [cert])
    except Exception:  # the library raises its own kinds; none of them is a signature
        return None
    return made.created if found.valid_sigs else None
