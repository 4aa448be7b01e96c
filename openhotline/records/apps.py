from django.apps import AppConfig


class Records(AppConfig):
    """The filing cabinet. When a process of a house starts, it is handed the house's site key."""

    name = "openhotline.records"
    label = "records"

    def ready(self) -> None:
        """Configure sealing and the ledger, in every process but the public door, which holds no site key."""
        hand_over_keys()


def hand_over_keys() -> None:
    """Give this process the site key, where the house has one and the process may hold it.

    Called as a process starts, and again by whoever has just made the house's keys.
    """
    from openhotline.settings import load

    settings = load()
    key = settings.keys / "site.key"
    if settings.door == "public" or not key.exists():
        return
    from openhotline import __version__, policy
    from openhotline.ledger import record
    from openhotline.records import vault

    site_key = key.read_bytes()
    vault.configure(site_key)
    record.configure(
        sw=__version__,
        pol=policy.load(settings.country).digest,
        clock_source=settings.clock().source,
        site_key=site_key,
    )
