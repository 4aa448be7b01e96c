"""Addresses that must never be reached, in every disguise we know: the corpus and how it is made.

    python -m tests.connectors.ssrf        writes tests/connectors/vectors/ssrf.json

True here: encodings x ranges x tricks on parsers, as addresses that are dialled, as redirects, and as answers
of a name server; the same file each time. `made_up` draws more of them at random. Ordinary addresses that
must pass stand here too. Not here: who is asked about them (`test_ssrf.py`).
"""

import ipaddress
import json
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = Path(__file__).parent / "vectors" / "ssrf.json"
ADDRESS, REDIRECT, ANSWER = "address", "redirect", "answer"


@dataclass(frozen=True, slots=True)
class Vector:
    """One thing that must be refused. `given`: an address, a Location header, or literals with commas."""

    kind: str
    given: str
    how: str
    what: str


RANGES_4 = {
    "this network": "0.0.0.0/8",
    "private 10": "10.0.0.0/8",
    "carriers": "100.64.0.0/10",
    "loopback": "127.0.0.0/8",
    "link-local": "169.254.0.0/16",
    "private 172": "172.16.0.0/12",
    "assignments": "192.0.0.0/24",
    "6to4 relay": "192.88.99.0/24",
    "private 192": "192.168.0.0/16",
    "benchmarking": "198.18.0.0/15",
    "multicast": "224.0.0.0/4",
    "reserved": "240.0.0.0/4",
}
NAMED_4 = ("127.0.0.1", "169.254.169.254", "100.100.100.200", "192.168.1.1", "255.255.255.255", "0.0.0.0")
RANGES_6 = {
    "unspecified": "::/128",
    "loopback": "::1/128",
    "compatible": "::/96",
    "translated": "::ffff:0:0:0/96",
    "NAT64": "64:ff9b::/96",
    "local NAT64": "64:ff9b:1::/48",
    "discard": "100::/64",
    "dummy": "100:0:0:1::/64",
    "assignments": "2001::/23",
    "Teredo": "2001::/32",
    "benchmarking": "2001:2::/48",
    "ORCHID": "2001:10::/28",
    "6to4": "2002::/16",
    "new documentation": "3fff::/20",
    "segment routing": "5f00::/16",
    "unique local": "fc00::/7",
    "link-local": "fe80::/10",
    "site-local": "fec0::/10",
    "multicast": "ff00::/8",
    "not given out": "4000::/3",
}
_FULLWIDTH = str.maketrans("0123456789.", "０１２３４５６７８９．")
_CIRCLED = str.maketrans("0123456789.", "⓪①②③④⑤⑥⑦⑧⑨。")


def spellings_4(literal: str) -> Iterator[tuple[str, str]]:
    """(how, host) of an IPv4 literal in every way that some parser reads as that literal."""
    a, b, c, d = (int(part) for part in literal.split("."))
    number = int(ipaddress.IPv4Address(literal))
    yield "plain", literal
    yield "final dot", f"{literal}."
    yield "octal", f"0{a:o}.0{b:o}.0{c:o}.0{d:o}"
    yield "padded octal", f"0{a:03o}.0{b:03o}.0{c:03o}.0{d:03o}"
    yield "hex", f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}"
    yield "upper hex", f"0X{a:02X}.0X{b:02X}.0X{c:02X}.0X{d:02X}"
    yield "padded hex", f"0x{a:08x}.0x{b:08x}.0x{c:08x}.0x{d:08x}"
    yield "one number", str(number)
    yield "one hex", f"0x{number:x}"
    yield "one octal", f"0{number:o}"
    yield "two parts", f"{a}.{number & 0xFFFFFF}"
    yield "three parts", f"{a}.{b}.{number & 0xFFFF}"
    yield "mixed", f"0x{a:x}.{b}.0{c:o}.{d}"
    yield "fullwidth", literal.translate(_FULLWIDTH)
    yield "circled", literal.translate(_CIRCLED)
    yield "ideographic dot", literal.replace(".", "。")
    yield "percent", "".join(f"%{ord(c):02x}" for c in literal)
    yield "some percent", literal.replace(".", "%2e")
    yield "soft hyphen", literal.replace(".", "\u00ad.", 1)
    yield "zero-width", literal.replace(".", "\u200b.", 1)
    for how, wrapped in wrapped_4(literal):
        yield how, f"[{wrapped}]"


def wrapped_4(literal: str) -> Iterator[tuple[str, str]]:
    """(how, IPv6 literal) of every wrapping that some network unwraps."""
    number = int(ipaddress.IPv4Address(literal))
    high, low = number >> 16, number & 0xFFFF
    yield "mapped", f"::ffff:{literal}"
    yield "mapped hex", f"::ffff:{high:x}:{low:x}"
    yield "mapped long", f"0000:0000:0000:0000:0000:FFFF:{high:04X}:{low:04X}"
    yield "compatible", f"::{high:x}:{low:x}"
    yield "translated", f"::ffff:0:{high:x}:{low:x}"
    yield "NAT64", f"64:ff9b::{high:x}:{low:x}"
    yield "NAT64 dotted", f"64:ff9b::{literal}"
    yield "local NAT64", f"64:ff9b:1::{high:x}:{low:x}"
    yield "6to4", f"2002:{high:x}:{low:x}::1"
    yield "Teredo", f"2001:0:4136:e378:8000:63bf:{high ^ 0xFFFF:x}:{low ^ 0xFFFF:x}"
    yield "ISATAP", f"2a00:1450:4009:0:0:5efe:{high:x}:{low:x}"
    yield "ISATAP universal", f"2a00:1450:4009:0:200:5efe:{high:x}:{low:x}"


def spellings_6(literal: str) -> Iterator[tuple[str, str]]:
    """(how, host) of an IPv6 literal."""
    ip = ipaddress.IPv6Address(literal)
    yield "short", f"[{ip.compressed}]"
    yield "long", f"[{ip.exploded}]"
    yield "upper", f"[{ip.exploded.upper()}]"
    yield "zone", f"[{ip.compressed}%25eth0]"
    yield "bare zone", f"[{ip.compressed}%lo]"
    tail = int(ip) & 0xFFFFFFFF
    head = ":".join(ip.exploded.split(":")[:6])
    yield "dotted tail", f"[{head}:{ipaddress.IPv4Address(tail)}]"


def tricks(host: str) -> Iterator[tuple[str, str]]:
    """(how, address): what leads one parser to `host` and another elsewhere, and what is no web address."""
    yield "user name", f"http://example.org@{host}/"
    yield "user and password", f"http://example.org:80@{host}/"
    yield "two at signs", f"http://a@example.org@{host}/"
    yield "fragment before at", f"http://{host}#@example.org/"
    yield "question before at", f"http://{host}?@example.org/"
    yield "backslash before at", f"http://{host}\\@example.org/"
    yield "tab in host", f"http://{host[:2]}\t{host[2:]}/"
    yield "line end in host", f"http://{host[:2]}\n{host[2:]}/"
    yield "no slashes", f"http:{host}/"
    yield "one slash", f"http:/{host}/"
    yield "backslashes", f"http:\\\\{host}\\"
    yield "three slashes", f"http:///{host}/"
    yield "upper scheme", f"HTTP://{host}/"
    yield "leading space", f" http://{host}/"
    yield "leading control", f"\x01http://{host}/"
    yield "https", f"https://{host}/"
    yield "own port", f"http://{host}:443/"
    yield "odd port", f"http://{host}:6379/"
    yield "huge port", f"http://{host}:65616/"
    for scheme in ("ftp", "gopher", "file", "dict", "ldap", "tftp", "jar:http", "view-source:http", "ws"):
        yield f"scheme {scheme}", f"{scheme}://{host}/"


def _sample(network: str, count: int) -> list[str]:
    whole = ipaddress.ip_network(network)
    size = whole.num_addresses
    at = dict.fromkeys((1 % size, size - 1, size // 3, size // 2, 0))
    return [str(whole[place]) for place in list(at)[:count]]


def corpus() -> list[Vector]:
    """Every vector, the same each time."""
    found: dict[tuple[str, str], Vector] = {}

    def add(kind: str, given: str, how: str, what: str) -> None:
        found.setdefault((kind, given), Vector(kind, given, how, what))

    for what, network in RANGES_4.items():
        for literal in dict.fromkeys((*_sample(network, 2), *(n for n in NAMED_4 if _in(n, network)))):
            for how, host in spellings_4(literal):
                add(ADDRESS, f"http://{host}/a?b=c", how, what)
                add(REDIRECT, f"//{host}/", how, what)
            add(ANSWER, literal, "alone", what)
            add(ANSWER, f"8.8.8.8,{literal}", "behind a good one", what)
            add(ANSWER, f"{literal},2a00:1450:4009::1", "before a good one", what)
            for how, wrapped in wrapped_4(literal):
                add(ANSWER, wrapped, how, what)
    for what, network in RANGES_6.items():
        for literal in _sample(network, 3):
            for how, host in spellings_6(literal):
                add(ADDRESS, f"http://{host}/", how, what)
                add(REDIRECT, f"http://{host}/", how, what)
            add(ANSWER, literal, "alone", what)
            add(ANSWER, f"8.8.8.8,{literal}", "behind a good one", what)
    for literal in NAMED_4:
        for how, given in tricks(literal):
            add(ADDRESS, given, how, "parser")
            add(REDIRECT, given, how, "parser")
    for how, given in tricks("[::1]"):
        add(ADDRESS, given, how, "parser")
    return [one for one in found.values() if not _elsewhere(one)]


def _in(literal: str, network: str) -> bool:
    return ipaddress.ip_address(literal) in ipaddress.ip_network(network)


def _elsewhere(one: Vector) -> bool:
    """A redirect that a browser reads as a path of the page it stands on leads nowhere new."""
    return one.kind == REDIRECT and one.how in ("no slashes", "one slash") and one.given.startswith("http:")


def made_up(count: int, seed: int) -> Iterator[Vector]:
    """More of them, at random: any address of any range, any spelling, any trick."""
    chance = random.Random(seed)
    ranges = [*RANGES_4.items(), *RANGES_6.items()]
    for _ in range(count):
        what, network = chance.choice(ranges)
        whole = ipaddress.ip_network(network)
        literal = str(whole[chance.randrange(whole.num_addresses)])
        if whole.version == 4:
            how, host = chance.choice(list(spellings_4(literal)))
        else:
            how, host = chance.choice(list(spellings_6(literal)))
        kind = chance.choice((ADDRESS, ADDRESS, REDIRECT, ANSWER))
        if kind == ANSWER:
            answers = (
                [literal] if whole.version == 6 else [chance.choice(list(wrapped_4(literal)))[1], literal]
            )
            good = [f"8.{chance.randrange(256)}.8.8", f"2a00:1450::{chance.randrange(1, 65536):x}"]
            mixed = [chance.choice(answers), *chance.sample(good, chance.randrange(3))]
            chance.shuffle(mixed)
            yield Vector(kind, ",".join(mixed), "made up", what)
            continue
        path = "".join(chance.choice("abc/.?=&%20~") for _ in range(chance.randrange(12)))
        port = chance.choice(("", "", ":80", ":443"))
        front = "//" if kind == REDIRECT and chance.random() < 0.5 else chance.choice(("http://", "https://"))
        yield Vector(kind, f"{front}{host}{port}/{path}", how, what)


def ordinary() -> list[tuple[str, str]]:
    """(address, literal): 200 addresses as people report them, all reserved ones, that must be reached."""
    names = ("img{}.example.org", "www.IMG{}.Example.NET", "münchen{}.example", "xn--mnchen-3ya.p{}.test",
             "a-b.c{}.example.com", "deep.er.down.{}.example.org", "under_score{}.example.net",
             "{}.example.org.", "ピクチャ{}.example", "x{}.co.uk.example")  # fmt: skip
    paths = ("/", "/a/b.jpg", "/view?id=17&x=%20y", "/~user/pic%201.html#top", "/a;b=c,d", "/?q=http://127.0.0.1/",
             "/" + "long" * 100, "/%E4%BD%A0", "/.hidden/..%2f", "/index.php?a[]=1&b={c}")  # fmt: skip
    found = []
    for number in range(180):
        name = names[number % len(names)].format(number)
        literal = f"192.0.2.{number + 60}" if number % 3 else f"2001:db8::{number + 60:x}"
        port = ":80" if number % 7 == 0 else ""
        found.append((f"http://{name}{port}{paths[number // len(names) % len(paths)]}", literal))
    for number in range(20):
        literal = f"198.51.100.{number + 1}" if number % 2 else f"2001:db8:1::{number + 1:x}"
        host = literal if number % 2 else f"[{literal}]"
        found.append((f"http://{host}{paths[number % len(paths)]}", literal))
    return found


def read() -> list[Vector]:
    """The corpus as it is kept."""
    return [Vector(**one) for one in json.loads(FILE.read_text("utf-8"))["vectors"]]


def main() -> None:
    """Write the file."""
    vectors = corpus()
    lines = ",\n".join(json.dumps(asdict(one), ensure_ascii=True) for one in vectors)
    FILE.write_text(f'{{"made_by": "tests/connectors/ssrf.py", "vectors": [\n{lines}\n]}}\n', "utf-8")
    print(f"{len(vectors)} vectors")


if __name__ == "__main__":
    main()
