"""Environment -> one typed, frozen object. Unsafe values stop the start.

Everything a process needs to know of its surroundings is read here, once. Django's own settings
(`django_settings.py`) are derived from it. What is not here: policy (dated data under `policy/`)
and anything a person edits while the house runs.
"""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlparse

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from openhotline.clock import SystemClock, WorldClock
from openhotline.rules.refusals import Refused

Kind = Literal["production", "demo", "test"]
Port = Annotated[int, Field(ge=0, le=65535)]
Door = Literal["public", "desk", "portal", "worker", "command"]
DEMO_MARK = "demo-house"  # a file in the data directory of a house that was made as a demo


class Settings(BaseSettings):
    """One house, as its environment describes it."""

    model_config = SettingsConfigDict(env_prefix="OPENHOTLINE_", frozen=True, extra="ignore")

    kind: Kind = "production"
    door: Door = "command"
    data_dir: Path = Field(default_factory=lambda: Path.home() / ".openhotline")
    database_url: str = ""  # "" -> SQLite in data_dir; "postgresql://..." otherwise
    country: str = "gb"
    hotline_name: str = "Example Hotline"
    hotline_domain: str = "hotline.example"
    phone: str = "01632 960 201"

    bind: str = "127.0.0.1"
    public_port: Port = 8100
    desk_port: Port = 8101
    portal_port: Port = 8102
    public_base: str = ""  # address people type for the public form; "" -> http://bind:port
    desk_base: str = ""  # address people type for the desk, behind your proxy
    portal_base: str = ""  # base of signed links in letters

    smtp_host: str = "127.0.0.1"
    smtp_port: Port = 25
    # Instead of SMTP: a folder from which the site's own mail server picks letters up.
    mail_spool: str = ""
    # The relay's own log (Postfix or Exim): asked before a letter in doubt is sent again.
    relay_log: str = ""

    # Mail that comes in: a Maildir your relay delivers to ("" -> in data_dir), and, where wanted, a listener of
    # ours behind it on a port of its own (0: none).
    mail_in: str = ""
    mail_port: Port = 0

    # The prober's own line: "direct", "none" (only what `exits` names), or "world" (the synthetic internet).
    exit: Literal["direct", "none", "world"] = "direct"
    # More vantage points, "name=/path/to/socks5.sock,name=socks5://user:password@192.0.2.7:1080,
    # name=https://192.0.2.9:8443?name=proxy.example" (docs/RUNBOOK.md), and an address of our own that must be
    # up. "Gone" needs two places and a proved line.
    exits: str = ""
    exit_ca: str = ""  # PEM file of a certificate authority of our own, for exits spoken to in TLS
    wall: Literal["required", "none"] = (
        "required"  # whether the prober starts where it can reach this machine
    )
    own_ranges: str = ""  # comma-separated networks of our own that are never looked at
    requests_per_second: float = 20.0  # of the prober, to all hosts together
    canary: str = ""
    resolvers: str = ""  # comma-separated literals; "" -> the world's, or the system's
    # Colon-separated MMDB files for origin network and country, each with its licence: "origin=/a.mmdb|CC BY 4.0:..."
    mmdb: str = ""
    whois: str = (
        "whois.iana.org"  # the WHOIS server that is asked first where RDAP gave nothing; "" asks none
    )
    registry_lists: str = (
        "https://data.iana.org/rdap"  # where `refresh registries` finds RFC 9224's four files
    )
    proxies: str = ""  # a file with the address ranges of proxies, in the form of policy/proxies.toml
    places: str = ""  # where vantage points stand, "direct=51.5,-0.1;north=55.9,-3.2"
    news: str = ""  # comma-separated news servers that may be asked for a post
    # Addresses of the proxy in front of the portal that speaks TLS and checks client certificates, comma-separated
    # ("127.0.0.1,2001:db8::/64"). Its word on a certificate counts with the secret in keys/proxy.secret alone.
    certificates_from: str = ""
    onion: str = ""  # comma-separated vantage points whose SOCKS5 exits carry onion addresses, and only these

    @property
    def data(self) -> Path:
        return self.data_dir

    @property
    def clock_file(self) -> Path:
        return self.data_dir / "clock"

    @property
    def spool(self) -> Path:
        return self.data_dir / "spool"

    @property
    def keys(self) -> Path:
        return self.data_dir / "keys"

    @property
    def proxy_secret(self) -> bytes:
        """What the proxy before the portal proves itself with; b"" where it is missing or shorter than 32 bytes."""
        try:
            secret = (self.keys / "proxy.secret").read_bytes().strip()
        except OSError:
            return b""
        return secret if len(secret) >= 32 else b""

    @property
    def maildir(self) -> Path:
        return Path(self.mail_in) if self.mail_in else self.data_dir / "mail"

    @property
    def prober_socket(self) -> Path:
        return self.data_dir / "run" / "prober.sock"

    @property
    def certificate_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Where the proxy speaks from whose word on client certificates counts. Raises ValueError."""
        return tuple(ip_network(one.strip()) for one in self.certificates_from.split(",") if one.strip())

    @property
    def public_url(self) -> str:
        return self.public_base or f"http://{self.bind}:{self.public_port}"

    @property
    def desk_url(self) -> str:
        return self.desk_base or f"http://{self.bind}:{self.desk_port}"

    @property
    def portal_url(self) -> str:
        return self.portal_base or f"http://{self.bind}:{self.portal_port}"

    @property
    def is_demo(self) -> bool:
        return self.kind in ("demo", "test")

    @property
    def postgres(self) -> bool:
        return self.database_url.startswith(("postgres://", "postgresql://"))

    @model_validator(mode="before")
    @classmethod
    def _made_as_a_demo(cls, named: Any) -> Any:
        """A house stays what it was made as, also for whoever names nothing but its place: with the world's clock and
        exit. A real house in such a place is refused all the same (`commands/common.open_house`)."""
        home = Path(
            named.get("data_dir") or cls.model_fields["data_dir"].get_default(call_default_factory=True)
        )
        if "kind" in named or not (home / DEMO_MARK).is_file():
            return named
        return {"exit": "world", **named, "kind": "demo"}

    @model_validator(mode="after")
    def _safe(self) -> "Settings":
        if self.kind == "production" and self.exit == "world":
            raise ValueError("The exit 'world' belongs to demo houses. Set OPENHOTLINE_EXIT=direct.")
        if self.database_url and not self.postgres and not self.database_url.startswith("sqlite:///"):
            raise ValueError(
                "OPENHOTLINE_DATABASE_URL must start with postgresql:// or sqlite:///. "
                "Leave it empty for the embedded database."
            )
        try:
            _ = self.certificate_networks
        except ValueError:
            raise ValueError(
                "OPENHOTLINE_CERTIFICATES_FROM names the addresses or networks of your proxy, for example 127.0.0.1."
            ) from None
        try:
            _ = urlparse(self.database_url).port
        except ValueError:
            raise ValueError(
                "OPENHOTLINE_DATABASE_URL cannot be read. It is postgresql://user:password@host:port/name, with "
                "%-signs for what is no letter or digit in user and password."
            ) from None
        return self

    def clock(self) -> SystemClock | WorldClock:
        """The clock of this house: the world's in a demo or test house that has one, else the machine's."""
        if self.is_demo and self.clock_file.exists():
            return WorldClock(self.clock_file)
        return SystemClock()


@lru_cache(maxsize=1)
def load() -> Settings:
    """The settings of this process. Raises Refused with a sentence per fault, without the values that were given
    (they may hold a password)."""
    try:
        return Settings()
    except ValidationError as fault:
        told = [
            f"{_variable(error['loc'])}{error['msg'].removeprefix('Value error, ')}."
            for error in fault.errors(include_url=False, include_input=False, include_context=False)
        ]
    raise Refused("The settings are not safe. " + " ".join(told).replace("..", "."), code="settings")


def _variable(loc: tuple[int | str, ...]) -> str:
    """The environment variable a fault is about, where it is about one alone."""
    return f"OPENHOTLINE_{'_'.join(str(part) for part in loc).upper()}: " if loc else ""
