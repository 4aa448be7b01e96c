"""Who calls: a partner with its bearer token, of which only the digest is kept.

What is not here: how a token is made (`openhotline partner token`), and what a partner may see (`web/scoped`).
"""

from django.http import HttpRequest
from ninja.security import HttpBearer

from openhotline.records.models import Partner
from openhotline.rules import words
from openhotline.rules.words import Actor
from openhotline.web.bearers import ByToken, by_token
from openhotline.web.scoped import Scoped


class Token(HttpBearer):
    """`Authorization: Bearer ...`. Sets `request.auth` to the partner."""

    def authenticate(self, request: HttpRequest, token: str) -> Partner | None:
        return by_token(token)


def actor(partner: Partner) -> Actor:
    """The partner as steps and ledger know it."""
    return Actor(words.PARTNER, f"partner:{partner.key}", partner_id=partner.pk, auth="token")


def scope(partner: Partner) -> Scoped:
    """What this partner may see."""
    return Scoped(ByToken(partner.pk))


def source(partner: Partner) -> str:
    """Where its reports come from: what the token says, whatever the body says."""
    return words.SOURCE_OF_PARTNER.get(partner.kind, words.FROM_INDUSTRY)
