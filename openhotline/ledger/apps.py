from django.apps import AppConfig


class Ledger(AppConfig):
    name = "openhotline.ledger"
    label = "ledger"
