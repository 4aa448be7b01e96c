"""A mail relay for the crash test: writes down what it took, durably, before it says so.

    python -m openhotline.crashtest.relay PORT FOLDER SEED

True here: a letter is in `FOLDER/taken.log` (one Message-ID a line, fsynced) before "250" leaves, as a good
relay does; between the two lies the gap of RFC 1047, made wider by a few random milliseconds so that kills
fall into it. Beside it lies `FOLDER/mail.log`, in Postfix's words, written in the same moment. Where `FOLDER/hold` exists, the answer is held back until it is gone. Not here: any parsing
beyond the Message-ID.
"""

import asyncio
import random
import re
import sys
from pathlib import Path

from openhotline.connectors.relaylog.fake import FakeLog
from openhotline.crashtest import logs

_MESSAGE_ID = re.compile(rb"(?im)^Message-ID:\s*<([^>]+)>")


async def talk(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, folder: Path, chance: random.Random
) -> None:
    """One SMTP conversation."""

    def say(text: str) -> None:
        writer.write(f"{text}\r\n".encode())

    say("220 relay.test")
    try:
        while line := await reader.readline():
            verb = line.split()[0].upper() if line.split() else b""
            if verb == b"DATA":
                say("354 go on")
                await asyncio.sleep(chance.uniform(0, 0.01))
                body = await reader.readuntil(b"\r\n.\r\n")
                await take(body, folder)
                await asyncio.sleep(chance.uniform(0, 0.03))
                while (folder / "hold").exists():
                    await asyncio.sleep(0.02)
                say("250 queued as R1")
            elif verb == b"QUIT":
                say("221 bye")
                break
            else:
                say("250 ok")
            await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        return
    finally:
        writer.close()


async def take(body: bytes, folder: Path) -> None:
    """Write the letter's identity down; returns when it is on the disk."""
    found = _MESSAGE_ID.search(body)
    if found is None:
        raise ValueError("a letter without a Message-ID")
    logs.add(folder / "taken.log", found[1].decode().strip())
    note(folder, found[1].decode().strip())


def note(folder: Path, message_id: str) -> None:
    """The relay's own log: this letter is in the queue."""
    key, _, domain = message_id.partition("@")
    FakeLog(folder / "mail.log", domain=domain).taken(key, "")


def catch_up(folder: Path) -> None:
    """After its own death a relay finds in its queue what it had not logged yet, and logs it before anything else."""
    log, file = folder / "mail.log", folder / "taken.log"
    noted = log.read_text() if log.exists() else ""
    for message_id in file.read_text().split() if file.exists() else ():
        if "@" in message_id and f"<{message_id}>" not in noted:
            note(folder, message_id)


async def main(port: int, folder: Path, seed: int) -> None:
    """Serve until killed."""
    catch_up(folder)
    chance = random.Random(seed)
    server = await asyncio.start_server(
        lambda reader, writer: talk(reader, writer, folder, chance), "127.0.0.1", port, limit=1 << 24
    )
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
