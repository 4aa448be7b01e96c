from django.apps import AppConfig


class Management(AppConfig):
    """Thin commands of the house."""

    name = "openhotline.management"
    label = "openhotline_management"
