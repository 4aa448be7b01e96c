"""Signing in: nobody signs up by themselves; accounts are made by the owner."""

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.messages import WARNING
from django.http import HttpRequest


class Adapter(DefaultAccountAdapter):
    """Allauth, closed: no sign-up, no address in the log."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": "This username and this password do not go together. Type both again.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def add_message(self, request: HttpRequest, level: int, *args: object, **kwargs: object) -> None:
        """Say only what somebody has to know: that signing in worked, they see."""
        if level >= WARNING:
            super().add_message(request, level, *args, **kwargs)

    def get_client_ip(self, request: HttpRequest) -> str:
        """We count failures per account, never per address (security.md 3f)."""
        return "0.0.0.0"  # noqa: S104  a constant in place of an address, not a bind
