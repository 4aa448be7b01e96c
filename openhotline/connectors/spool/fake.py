"""A mail server's pick-up beside a real spool folder: it moves what is new, and remembers what it took."""

from pathlib import Path

from openhotline.connectors.spool.client import NEW, TAKEN


class FakePickup:
    """`taken` holds (key, bytes) in the order in which they were picked up."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.taken: list[tuple[str, bytes]] = []

    def pick_up(self) -> int:
        """Take everything that is there, as the operator's script does. Returns how many."""
        found = sorted((self.folder / NEW).glob("*.eml")) if (self.folder / NEW).exists() else []
        for file in found:
            moved = self.folder / TAKEN / file.name
            file.rename(moved)
            self.taken.append((file.stem, moved.read_bytes()))
        return len(found)
