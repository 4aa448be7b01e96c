"""Every connector that speaks to the outside ships its fake, and the fake answers the same calls."""

import importlib
import inspect
from pathlib import Path

CONNECTORS = Path(__file__).resolve().parents[2] / "openhotline" / "connectors"


def speaking() -> list[str]:
    return sorted(folder.parent.name for folder in CONNECTORS.glob("*/client.py"))


def test_every_connector_has_a_fake() -> None:
    assert speaking() == [
        "disclosure",
        "dns",
        "geo",
        "hook",
        "iccam",
        "mail",
        "news",
        "partner",
        "probe",
        "rdap",
        "relaylog",
        "spool",
        "tls",
        "whois",
    ]
    assert [name for name in speaking() if not (CONNECTORS / name / "fake.py").exists()] == []


def test_a_fake_is_a_real_double_and_not_an_empty_file() -> None:
    for name in speaking():
        fake = importlib.import_module(f"openhotline.connectors.{name}.fake")
        doubles = [
            value
            for word, value in vars(fake).items()
            if inspect.isclass(value) and value.__module__ == fake.__name__ and word.startswith("Fake")
        ]
        assert doubles, name
        for double in doubles:
            calls = [
                word for word, value in vars(double).items() if inspect.isfunction(value) and word[0] != "_"
            ]
            assert calls or "__call__" in vars(double), f"{name}: {double.__name__} answers nothing"


def test_the_probers_fake_answers_the_probers_calls() -> None:
    from openhotline.connectors.probe.client import Prober
    from openhotline.connectors.probe.fake import FakeProber

    for call in ("trace", "check", "hello"):
        assert list(inspect.signature(getattr(FakeProber, call)).parameters) == list(
            inspect.signature(getattr(Prober, call)).parameters
        )
