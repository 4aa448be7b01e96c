"""The whole house, many seeds; a seed replays; what is planted is found. Each run is a process of its own."""

import json
import os
import subprocess
import sys

import pytest

PLANTED = {
    "hold": (
        "from openhotline.rules import departure as d; real = d.notice\n"
        "d.notice = lambda lines, **more: real([dataclasses.replace(one, held=False, covered=True, "
        "status=more.get('status', 'cleared')) for one in lines], **more)",
        "a letter left under a hold",
    ),
    "answer": (
        "from openhotline.rules import departure as d; d.covers = lambda consent, at: True",
        "a notice left without an answer that covers it",
    ),
    "follows": (
        "from openhotline.steps import follow as f; f.stands = lambda letter, *, at: True",
        "a letter left to a withdrawn contact",
    ),
    "what follows is held": (
        "from openhotline.steps import departing as d; d.held_items = lambda items: set()",
        "a letter left under a hold",
    ),
    "rung": (
        "from openhotline.rules import departure as d; real = d.reminder\n"
        "d.reminder = lambda lines, **more: real([dataclasses.replace(one, held=False) for one in lines], **more)",
        "a letter left under a hold",
    ),
    "trace": (
        "from openhotline.rules import departure as d; real = d.notice\n"
        "d.notice = lambda lines, **more: real([dataclasses.replace(one, traced_at=more['at'], "
        "trace_ends=more['at'], agreed=True) for one in lines], **more)",
        "a notice left on a stale trace",
    ),
    "contact": (
        "from openhotline.steps import contact; contact.may_be_used = lambda row: True",
        "a letter left to a withdrawn contact",
    ),
    "sphere": (
        "from openhotline.steps import domain_alert as d; d._barred = lambda rows: rows.none()",
        "a letter left under a hold",
    ),
    "agreement": (
        "from openhotline.steps import list_agreement as a\n"
        "from openhotline.records.models import ListAgreement\n"
        "a.in_force = lambda at: ListAgreement.objects.filter(confirmed_at__isnull=False)",
        "an alert left without a registration or an agreement in force",
    ),
    "registration": (
        "from openhotline.steps import alert as a\n"
        "from openhotline.records.models import HostRegistration\n"
        "a._registered = lambda: HostRegistration.objects.filter(confirmed_at__isnull=False)",
        "an alert left without a registration or an agreement in force",
    ),
    "openly": (
        "from openhotline.jobs import dispatch as d, written as w\n"
        "from openhotline.rules import notice_lint as n; real = d._paged; n.lint_paged = lambda said: None\n"
        "d._paged = lambda *given, **more: (s := real(*given, **more)) and dataclasses.replace(s, open=s.whole)",
        "an open mail named what was reported",
    ),
    "newest version": (
        "from openhotline.rules.agreements import Agreements as a\n"
        "a.on = lambda self, key, at: self.history(key)[-1]",
        "a question was put under a version of an agreement that was not in force",
    ),
    "version of today": (
        "from openhotline.steps import agreed as a\n"
        "from openhotline.records.agreements import house_agreements as held\n"
        "a.by_removal = lambda rows, *, policy, at: dict.fromkeys([one.pk for one in rows], "
        "held(policy=policy).standing(at))",
        "a clock ran by another version than that of the question",
    ),
    "told before": (
        "from openhotline.steps import consult as c; c.TELL_AFTER = 'never'",
        "police were told of a notice before it had left, where they had agreed to be told after",
    ),
    "not told": (
        "from openhotline.steps import consult as c; c.tell_after = lambda removals, *, zone, at: None",
        "a notice left and police were not told",
    ),
    "asking": (
        "from openhotline.jobs import doubt; doubt.next_of = lambda way, said='': 'again'",
        "a letter was taken twice",
    ),
}


def simulate(*words: str, planted: str = "") -> dict[str, object]:
    code = "import dataclasses, sys\nfrom openhotline.commands import common\n"
    if planted:
        code += (
            "real_open = common.open_house\ndef opened(**more):\n    done = real_open(**more)\n"
            + "".join(f"    {line}\n" for line in planted.splitlines())
            + "    return done\ncommon.open_house = opened\n"
        )
    code += f"sys.argv = ['openhotline', 'simulate', '--json', *{list(words)!r}]\nfrom openhotline.cli import main\nmain()"
    env = {key: value for key, value in os.environ.items() if not key.startswith(("OPENHOTLINE_", "DJANGO_"))}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr[-2000:]
    return dict(json.loads(done.stdout))


@pytest.mark.once
def test_no_promise_is_broken_in_five_hundred_seeds() -> None:
    assert simulate("--seeds", "500", "--processes", "2")["broken"] == []


@pytest.mark.once
@pytest.mark.release
def test_no_promise_is_broken_in_ten_thousand_seeds() -> None:
    assert simulate("--seeds", "10000", "--seed", "100000", "--processes", "2")["broken"] == []


@pytest.mark.once
@pytest.mark.release
@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_is_found_and_its_seed_shows_it_again(name: str) -> None:
    planted, promise = PLANTED[name]
    found = simulate("--seeds", "300", "--processes", "2", planted=planted)
    assert found["ok"] is False
    seeds = [one["seed"] for one in found["broken"] if one["promise"] == promise]  # type: ignore[attr-defined]
    assert seeds
    again = simulate("--seeds", "1", "--seed", str(seeds[0]), planted=planted)
    assert promise in [one["promise"] for one in again["broken"]]  # type: ignore[attr-defined]
    assert simulate("--seeds", "1", "--seed", str(seeds[0]))["ok"] is True
