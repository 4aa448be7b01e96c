"""Writes a log as Postfix or Exim would, for tests and the crash test."""

from pathlib import Path

_POSTFIX_IN = (
    "2026-03-03T12:00:00.000000+00:00 mail postfix/cleanup[77]: {queue}: message-id=<{key}@{domain}>\n"
)
_POSTFIX_QUEUED = "2026-03-03T12:00:00.000000+00:00 mail postfix/qmgr[78]: {queue}: from=<hotline@{domain}>, size=900, nrcpt=1 (queue active)\n"
_POSTFIX_OUT = "2026-03-03T12:00:01.000000+00:00 mail postfix/smtp[79]: {queue}: to=<abuse@host.example>, relay=none, status={status} (said)\n"
_EXIM_IN = "2026-03-03 12:00:00 {queue} <= hotline@{domain} H=localhost P=esmtp S=900 id={key}@{domain}\n"
_EXIM_OUT = "2026-03-03 12:00:01 {queue} {mark} abuse@host.example R=dnslookup T=remote_smtp\n"
_MARKS = {"sent": "=>", "bounced": "**", "deferred": "=="}


class FakeLog:
    """One log file. `kind` is "postfix" or "exim"."""

    def __init__(self, file: Path, *, domain: str = "hotline.example", kind: str = "postfix") -> None:
        self.file, self.domain, self.kind, self.count = file, domain, kind, 0

    def named(self, key: str) -> str:
        """The letter's Message-ID came in; whether it was taken is not said. Returns the queue id."""
        self.count += 1
        queue = f"4F{self.count:06X}" if self.kind == "postfix" else f"1tAbcD-{self.count:06d}-2X"
        if self.kind == "postfix":
            self._say(_POSTFIX_IN.format(queue=queue, key=key, domain=self.domain))
        return queue

    def taken(self, key: str, status: str = "sent") -> str:
        """The relay took it, and it fared so. Returns the queue id."""
        queue = self.named(key)
        if self.kind == "postfix":
            self._say(_POSTFIX_QUEUED.format(queue=queue, domain=self.domain))
            self._say(_POSTFIX_OUT.format(queue=queue, status=status) if status else "")
        else:
            self._say(_EXIM_IN.format(queue=queue, key=key, domain=self.domain))
            self._say(_EXIM_OUT.format(queue=queue, mark=_MARKS[status]) if status else "")
        return queue

    def _say(self, line: str) -> None:
        with self.file.open("a", encoding="utf-8") as file:
            file.write(line)
