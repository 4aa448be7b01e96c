"""Whether an S/MIME signature (CMS, RFC 5652) over a text is of one known certificate, and when it was made.

True here: the certificate is the one two people verified; what the message itself carries of certificates is never
read, so nobody is believed for having brought one; nor is a text that the signature carries. Signed attributes must be
there: a signature over the content alone could be passed off as one over attributes. What is not here: reading MIME and what a closed message carries (connectors), whose certificate it is (steps).
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "2.16.840.1.101.3.4.2.1": hashes.SHA256,
    "2.16.840.1.101.3.4.2.2": hashes.SHA384,
    "2.16.840.1.101.3.4.2.3": hashes.SHA512,
}
_DATA, _TYPE, _DIGEST, _TIME = (
    "1.2.840.113549.1.7.1",
    "1.2.840.113549.1.9.3",
    "1.2.840.113549.1.9.4",
    "1.2.840.113549.1.9.5",
)
_PSS = "1.2.840.113549.1.1.10"
_MOST = 256 * 1024  # of a signature with its certificates


def signed_at(pem: str, payload: bytes, signature: bytes, *, at: datetime) -> datetime | None:
    """When the holder of the certificate signed `payload`; None where it was not them, or it had run out by `at`."""
    if len(signature) > _MOST:
        return None
    try:
        cert = x509.load_pem_x509_certificate(pem.encode("ascii"))
        if not cert.not_valid_before_utc <= at.astimezone(UTC) <= cert.not_valid_after_utc:
            return None
        found = (_one(signer, cert.public_key(), payload) for signer in _signers(signature))
        return next(filter(None, found), None)
    except Exception:  # hostile bytes may be wrong in any way; none of them is a signature
        return None


def _signers(signature: bytes) -> Iterator[Any]:
    from pyasn1.codec.ber import decoder
    from pyasn1.type import namedtype, tag, univ
    from pyasn1_modules import rfc5652

    inside = rfc5652.SignedData().subtype(
        explicitTag=tag.Tag(tag.tagClassContext, tag.tagFormatConstructed, 0)
    )
    form = univ.Sequence(
        componentType=namedtype.NamedTypes(
            namedtype.NamedType("contentType", rfc5652.ContentType()), namedtype.NamedType("content", inside)
        )
    )
    # BER: some mail programs write lengths that DER would not.
    outer, _ = decoder.decode(signature, asn1Spec=form)
    if outer["contentType"] == rfc5652.id_signedData:
        yield from outer["content"]["signerInfos"]


def _one(signer: Any, key: Any, payload: bytes) -> datetime | None:
    from pyasn1.codec.der import encoder

    kind = _HASHES.get(str(signer["digestAlgorithm"]["algorithm"]))
    if kind is None or not signer["signedAttrs"].isValue:
        return None
    digest = hashes.Hash(kind())
    digest.update(payload)
    said = _attributes(signer["signedAttrs"])
    if str(said.get(_TYPE)) != _DATA or bytes(said.get(_DIGEST, b"")) != digest.finalize():
        return None
    # Signed is their SET OF, not the tag under which they lie in the message (RFC 5652, 5.4).
    signed = b"\x31" + encoder.encode(signer["signedAttrs"])[1:]
    _verify(key, str(signer["signatureAlgorithm"]["algorithm"]), bytes(signer["signature"]), signed, kind())
    made = said.get(_TIME)
    return made.asDateTime.astimezone(UTC) if made is not None else None


def _attributes(rows: Any) -> dict[str, Any]:
    """Every attribute with its one value. One that stands twice, or has several, is none."""
    from pyasn1.codec.ber import decoder
    from pyasn1_modules import rfc5652

    found: dict[str, Any] = {}
    for row in rows:
        name = str(row["attrType"])
        if name in found or len(row["attrValues"]) != 1:
            raise ValueError(name)
        value, _ = decoder.decode(bytes(row["attrValues"][0]))
        found[name] = value
    if _TIME in found and not hasattr(found[_TIME], "asDateTime"):
        raise ValueError(rfc5652.id_signingTime)
    return found


def _verify(key: Any, algorithm: str, signature: bytes, signed: bytes, kind: hashes.HashAlgorithm) -> None:
    """Raises where it does not fit."""
    if isinstance(key, rsa.RSAPublicKey):
        pss = padding.PSS(padding.MGF1(kind), padding.PSS.AUTO)
        key.verify(signature, signed, pss if algorithm == _PSS else padding.PKCS1v15(), kind)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, signed, ec.ECDSA(kind))
    else:
        raise ValueError(algorithm)
