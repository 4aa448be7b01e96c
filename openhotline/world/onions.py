"""One onion service: its name is a key that nobody holds, and behind it stands a page like every other of the world.

True here: it is reached by its name alone, through an exit that carries onions; it is in no zone and at no address.
The switch "onion" makes it vanish or fall silent. Not here: the exit (`exit.py`), what the pages of sites look like
(`sites.py`).
"""

from base64 import b32encode
from hashlib import sha3_256

from openhotline.world.behaviour import Behaviours
from openhotline.world.sites import page
from openhotline.world.talk import Answer, Request


def name_of(key: bytes) -> str:
    """The name of the service with this public key (rend-spec-v3, 6): key, check digits, version."""
    version = b"\x03"
    digits = sha3_256(b".onion checksum" + key + version).digest()[:2]
    return f"{b32encode(key + digits + version).decode().lower()}.onion"


NAME = name_of(bytes(32))
PATH = "/rooms/1"
ADDRESS = f"http://{NAME}{PATH}"


class Onions:
    """Every onion service there is."""

    def __init__(self, behaviours: Behaviours) -> None:
        self.behaviours = behaviours

    def respond(self, request: Request) -> Answer:
        """What the service says."""
        word = self.behaviours.of("onion", request.literal)
        if word == "silent":
            return Answer(0, fault="timeout")
        if request.host != NAME or request.path != PATH or word == "gone":
            return Answer(404, page("Not found", "There is no such page."))
        return Answer(
            200, page("Rooms", "A made-up page behind an onion name. It holds these words and nothing else.")
        )
