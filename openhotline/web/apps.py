from django.apps import AppConfig


class Web(AppConfig):
    """The doors for people."""

    name = "openhotline.web"
    label = "openhotline_web"
