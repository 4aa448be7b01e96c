from django.apps import AppConfig


class Outbox(AppConfig):
    """Letters waiting to leave."""

    name = "openhotline.outbox"
    label = "outbox"
