from django.apps import AppConfig


class Ledger(AppConfig):
    """The tamper-evident log."""

    name = "openhotline.ledger"
    label = "ledger"
