"""Letters as the house sends them: rendered and sent by its own connector."""

from collections.abc import Sequence
from typing import Any

from openhotline.connectors.mail import client
from openhotline.connectors.mail.meaning import MailLetter, render
from openhotline.connectors.xarf import meaning as xarf
from openhotline.world.serve import World

HOUSE = xarf.Party(org="Example Hotline", contact="hotline@hotline.example", domain="hotline.example")


def report(world: World, address: str, serial: str) -> str:
    """The XARF report of one address."""
    site = world.internet.truth.site(address)
    part = xarf.notice(
        identifier=xarf.report_id(f"{serial}/{address}"),
        url=address,
        host=site.host,
        content_class="child-sexual-abuse",
        baseline=False,
        category="A",
        age_band="pubescent",
        source_identifier=site.ip,
        verified_at=world.clock.now(),
        reporter=HOUSE,
        serial=serial,
    )
    return part.json


def send(
    world: World,
    to: str,
    *,
    serial: str = "",
    addresses: Sequence[str] = (),
    subject: str = "A letter",
    text: str = "Hello.\n",
    machine_readable: bool = True,
    key: str = "",
    timeout_s: float = 5.0,
) -> client.Receipt:
    """Send one letter; with addresses it is a notice."""
    if addresses:
        text = "What to do:\n1. Keep the evidence.\n\n" + "".join(
            f"{number}. {address}\n   IP 192.0.2.1\n" for number, address in enumerate(addresses, 1)
        )
    letter = MailLetter(
        message_id=f"<{key or serial or 'K1'}@hotline.example>",
        serial=serial,
        sender="hotline@hotline.example",
        to=to,
        subject=subject,
        text=text,
        date=world.clock.now(),
        xarf=tuple(report(world, a, serial) for a in addresses) if machine_readable else (),
    )
    host, port = world.smtp
    return client.send(render(letter), client.Relay(host, port, timeout_s=timeout_s))


def state(world: World, address: str) -> dict[str, Any]:
    """Where the truth says a site is now."""
    (site,) = [site for site in world.truth()["sites"] if site["address"] == address]
    found: dict[str, Any] = site["now"]
    return found


def up(world: World, *addresses: str) -> list[str]:
    """The states of some sites, in words."""
    return [state(world, address)["state"] for address in addresses]
