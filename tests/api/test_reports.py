"""A partner's program sends reports: durable once, answered in words, never lost for being odd."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openhotline.jobs.house import make_token
from openhotline.records import vault
from openhotline.records.models import ApiToken, Item, Partner, Report, ReportLine
from openhotline.settings import load
from openhotline.steps import clarify, close
from tests.journeys.cast import Day
from tests.web.portal_cast import open_portal, unlock

pytestmark = [pytest.mark.django_db, pytest.mark.urls("openhotline.web.portal.urls")]
URL = "/api/v1/reports"


class Program:
    """A partner's program with its token."""

    def __init__(self, partner: Partner, token: str) -> None:
        self.partner, self.token, self.client = partner, token, Client(raise_request_exception=False)

    def post(
        self, body: object, key: str = "", *, raw: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, object]]:
        data = raw if raw is not None else json.dumps(body).encode()
        more = {
            "Authorization": f"Bearer {self.token}",
            **({"Idempotency-Key": key} if key else {}),
            **headers,
        }
        response = self.client.post(URL, data, content_type="application/json", headers=more)
        return response.status_code, json.loads(response.content)

    def get(self, path: str) -> tuple[int, dict[str, object]]:
        response = self.client.get(f"/api/v1{path}", headers={"Authorization": f"Bearer {self.token}"})
        return response.status_code, json.loads(response.content)


@pytest.fixture
def day(tmp_path: Path) -> Iterator[Day]:
    with pytest.MonkeyPatch.context() as patch:
        unlock()
        day = Day()
        open_portal(patch, tmp_path, day)
        yield day
    load.cache_clear()


def program(day: Day, key: str, kind: str = "industry") -> Program:
    partner, _ = Partner.objects.get_or_create(key=key, defaults={"name": key, "kind": kind})
    return Program(partner, make_token(partner, at=day.now))


@pytest.fixture
def cloud(day: Day) -> Program:
    return program(day, "cloud")


def test_a_report_is_durable_when_201_is_said(cloud: Program, day: Day) -> None:
    status, answer = cloud.post(
        {"addresses": ["https://example.org/a", "hxxps://example[.]org/b"], "reference": "C-1"}, "k1"
    )
    assert status == 201
    report = Report.objects.get(report_id=str(answer["report_id"]))
    assert (report.partner, report.source, report.reference, report.idempotency_key) == (
        "cloud",
        "industry",
        "C-1",
        "k1",
    )
    assert answer["state"] == "joined" and answer["incomplete"] == []
    refs = [item["reference"] for item in answer["items"]]
    assert refs == list(Item.objects.order_by("pk").values_list("ref", flat=True))
    assert [item["line"] for item in answer["items"]] == [1, 2]
    assert [item["joined"] for item in answer["items"]] == [False, False]


def test_the_same_key_gives_the_same_answer_and_files_once(cloud: Program) -> None:
    body = {"addresses": ["https://example.org/a", "nothing to read here"]}
    first, again = cloud.post(body, "k1"), cloud.post(body, "k1")
    assert (first[0], again[0]) == (201, 200)
    assert first[1] == again[1]
    assert Report.objects.count() == 1


@pytest.mark.parametrize(
    "other", [{"addresses": ["https://example.org/b"]}, {"note": "more"}, {"reference": "R2"}]
)
def test_the_same_key_with_other_content_is_refused_and_nothing_is_lost_in_silence(
    cloud: Program, other: dict[str, object]
) -> None:
    body = {"addresses": ["https://example.org/a"], "reference": "R1"}
    cloud.post(body, "k1")
    status, answer = cloud.post(None, "k1", raw=json.dumps(dict(reversed(body.items())), indent=1).encode())
    assert status == 200, "the same content, spelled otherwise"
    status, answer = cloud.post(body | other, "k1")
    assert (status, answer["code"]) == (409, "key-used")
    assert "new key" in str(answer["sentence"])


def test_the_same_key_of_two_partners_is_two_reports(cloud: Program, day: Day) -> None:
    other = program(day, "search")
    first, second = (
        cloud.post({"addresses": ["https://example.org/a"]}, "k1"),
        other.post({"addresses": ["https://example.org/a"]}, "k1"),
    )
    assert (first[0], second[0]) == (201, 201)
    assert first[1]["report_id"] != second[1]["report_id"]
    assert [item["joined"] for item in second[1]["items"]] == [True]


def test_without_a_key_each_is_a_report(cloud: Program) -> None:
    for _ in range(2):
        assert cloud.post({"addresses": ["https://example.org/a"]})[0] == 201
    assert Report.objects.count() == 2 and Item.objects.count() == 1


def test_bad_lines_never_lose_good_ones(cloud: Program) -> None:
    lines = [
        "https://example.org/good",
        "javascript:alert(1)",
        "https://ex ample.org",
        "",
        "x" * 100_000,
        7,
        None,
        {"a": [1]},
        "\x00\x01",
        "\ud800",
    ]
    status, answer = cloud.post({"addresses": lines}, "k1")
    assert status == 201
    assert len(answer["items"]) + len(answer["incomplete"]) == len(lines)
    assert answer["items"][0]["line"] == 1
    assert all(str(line["why"]).endswith((".", "”")) or line["why"] for line in answer["incomplete"])
    assert ReportLine.objects.count() == len(lines)
    assert cloud.post({"addresses": lines}, "k1") == (200, answer)


def test_nothing_readable_is_kept_and_incomplete(cloud: Program) -> None:
    status, answer = cloud.post({"addresses": ["somewhere in a chat"], "note": "ask me"}, "k1")
    assert (status, answer["state"], answer["items"]) == (201, "incomplete", [])
    report = Report.objects.get()
    assert report.sealed and b"ask me" not in bytes(report.sealed)


def test_files_without_an_address_are_taken_as_metadata(cloud: Program) -> None:
    status, answer = cloud.post({"files": ["sha256:" + "ab" * 32 + " holiday.bin"]}, "k1")
    assert (status, len(answer["items"])) == (201, 1)
    assert Item.objects.get().kind == "file"


def test_newsgroup_posts_and_onion_addresses_are_taken(cloud: Program) -> None:
    onion = "http://" + "a" * 56 + ".onion/x"
    status, answer = cloud.post({"addresses": ["<abc.123@news.example>", onion]}, "k1")
    assert (status, len(answer["items"])) == (201, 2)
    assert set(Item.objects.values_list("kind", flat=True)) == {"newsgroup", "onion"}


@pytest.mark.parametrize("raw", [b"", b" \n", b"null", b"[]", b'""', b"{}", b'{"addresses": []}'])
def test_a_body_that_holds_nothing_is_a_sentence(cloud: Program, raw: bytes) -> None:
    status, answer = cloud.post(None, "k1", raw=raw)
    assert (status, answer["code"]) == (400, "empty")
    assert set(answer) == {"code", "sentence"} and str(answer["sentence"]).endswith(".")
    assert not Report.objects.exists()


A, B = "https://example.org/a", "https://example.org/b"


@pytest.mark.parametrize(
    ("raw", "said", "items"),
    [
        (b"{", "not JSON", 0),
        (b'{"addresses": ["https://example.org/a"', "not JSON", 0),
        (b'"https://example.org"', "not one JSON object", 0),
        (b"\xff\xfeh", "not JSON", 0),
        (b"[" * 100_000, "not JSON", 0),
        (b'{"addresses": 7}', "“addresses” must be a list", 0),
        (b'{"addresses": {"a": 1}}', "“addresses” must be a list", 0),
        (b'{"addresses": ["https://example.org/a"], "reference": 7}', "“reference” must be text", 1),
        (b'{"addresses": ["https://example.org/a"], "reference": "' + b"x" * 1001 + b'"}', "longer than 1,000", 1),
        (b'{"addresses": ["https://example.org/a"], "colour": "red"}', "“colour” is not a field", 1),
        (b'{"addresses": ["https://example.org/a"], "received_at": "yesterday"}', "time with its zone", 1),
        (b'{"addresses": ["https://example.org/a"], "received_at": "2026-05-12T10:00:00"}', "time with its zone", 1),
        (b'{"addresses": ["https://example.org/a"], "received_at": "2099-01-01T00:00:00Z"}', "in the past", 1),
        (b'{"addresses": ["https://example.org/a"], "received_at": "0001-01-01T00:00:00+23:59"}', "zone", 1),
        (b'{"addresses": ["https://example.org/a"], "addresses": ["https://example.org/b"]}', "there twice", 2),
        (b'{"addresses": ["https://example.org/a"], "note": "one", "note": "two"}', "there twice", 1),
        (b'{"addresses": [{"a": 1, "a": 2}, "https://example.org/a"]}', "there twice", 1),
    ],
)  # fmt: skip
def test_what_is_odd_is_kept_whole_and_the_good_lines_go_on(
    cloud: Program, raw: bytes, said: str, items: int
) -> None:
    status, answer = cloud.post(None, "k1", raw=raw)
    assert (status, len(answer["items"])) == (201, items)
    assert said in str(answer["why"])
    assert answer["state"] == ("joined" if items else "incomplete")
    report = Report.objects.get()
    assert not report.complete, "a person will look"
    assert json.loads(vault.open_("report", bytes(report.sealed)))["raw"] == raw.decode(
        "utf-8", "backslashreplace"
    )
    assert cloud.post(None, "k1", raw=raw) == (200, answer)
    assert Report.objects.count() == 1


def test_more_lines_than_a_report_holds_are_kept_and_said(cloud: Program) -> None:
    status, answer = cloud.post({"addresses": [A, *["a"] * 10_000]})
    assert (status, len(answer["items"]), len(answer["incomplete"])) == (201, 1, 9_999)
    assert "this has 10,001" in str(answer["why"])


def test_a_long_note_is_a_note(cloud: Program) -> None:
    status, answer = cloud.post({"addresses": [A], "note": "n" * 200_000})
    assert (status, answer["why"]) == (201, "")


def test_of_a_body_that_is_too_long_the_front_is_kept_and_no_more_is_claimed(cloud: Program) -> None:
    body = {"addresses": ["https://example.org/" + "x" * 3_000_000]}
    status, answer = cloud.post(body, "k1")
    assert (status, answer["state"], answer["items"]) == (201, "incomplete", [])
    assert "the rest was not kept. Send it again in several" in str(answer["why"])
    kept = clarify.words_of(Report.objects.get())
    assert (len(kept), kept) == (2 * 1024 * 1024, json.dumps(body)[: 2 * 1024 * 1024])
    assert cloud.post(body, "k1") == (200, answer)
    assert cloud.post({"addresses": ["https://example.org/" + "x" * 3_000_001]}, "k1")[0] == 409


def test_several_addresses_on_one_line_are_lines_of_their_own(cloud: Program) -> None:
    body = {"addresses": [f"{A}, {B}", f"\u202a{A}\u202c"]}
    status, answer = cloud.post(body, "k1")
    assert (status, answer["why"], answer["incomplete"]) == (201, "", [])
    assert [(one["line"], one["reported"].strip("\u202a\u202c")) for one in answer["items"]] == [
        (1, A),
        (2, B),
        (3, A),
    ]
    assert cloud.post(body, "k1") == (200, answer)


@pytest.mark.parametrize("key", ["x" * 201, "caf\u00e9"])
def test_an_odd_key_is_a_sentence(cloud: Program, key: str) -> None:
    status, answer = cloud.post({"addresses": ["https://example.org/"]}, key)
    assert (status, answer["code"]) == (400, "key")


def test_what_the_body_says_of_its_source_is_not_believed(cloud: Program, day: Day) -> None:
    status, answer = cloud.post({"addresses": ["https://example.org/"], "source": "police"})
    assert (status, answer["source"]) == (201, "industry")
    assert not Item.objects.get().priority
    force = program(day, "force", "police")
    assert force.post({"addresses": ["https://example.org/p"]})[1]["source"] == "police"
    assert Item.objects.get(canonical="https://example.org/p").priority


@pytest.mark.parametrize(
    "given",
    [
        b'"addresses": [%s, "https://example.org/n"]',
        b'"received_at": %s, "addresses": ["https://example.org/n"]',
    ],
)
def test_a_number_longer_than_python_reads_loses_no_address(cloud: Program, given: bytes) -> None:
    status, answer = cloud.post(None, raw=b"{" + given % (b"9" * 6_000) + b"}")
    assert (status, [one["reported"] for one in answer["items"]]) == (201, ["https://example.org/n"])


def test_a_partners_time_is_kept_and_our_clock_runs_from_ours(cloud: Program, day: Day) -> None:
    earlier = day.now - timedelta(days=5_000)
    _, answer = cloud.post({"addresses": ["https://example.org/"], "received_at": earlier.isoformat()})
    assert Report.objects.get().received_at == earlier
    assert answer["received_at"] == earlier.isoformat().replace("+00:00", "Z")
    item = Item.objects.get()
    assert (item.received_at, item.due_at) == (earlier, day.now + day.policy.clocks.assess)
    cloud.post({"addresses": ["in a chat"], "received_at": earlier.isoformat()})
    assert close.close_incomplete(policy=day.policy, at=day.now + day.policy.clocks.incomplete / 2) == 0
    assert close.close_incomplete(policy=day.policy, at=day.now + day.policy.clocks.incomplete) == 1


def test_a_partner_reads_its_own_reports_alone(cloud: Program, day: Day) -> None:
    other = program(day, "search")
    _, answer = cloud.post({"addresses": ["https://example.org/a"]}, "k1")
    assert cloud.get(f"/reports/{answer['report_id']}") == (200, answer)
    status, refusal = other.get(f"/reports/{answer['report_id']}")
    assert (status, refusal) == other.get("/reports/00000000-0000-4000-8000-000000000000")
    assert (status, refusal["code"]) == (404, "not-found")
    assert other.get("/reports/not-a-uuid")[0] == 404


def test_no_token_a_wrong_token_and_a_revoked_one_are_told_the_same(cloud: Program, day: Day) -> None:
    answers = []
    for header in (
        None,
        "Bearer",
        "Bearer wrong",
        "Basic abc",
        "Bearer " + "x" * 10_000,
        f"Bearer {cloud.token}",
    ):
        if header == f"Bearer {cloud.token}":
            ApiToken.objects.update(revoked_at=day.now)
        response = cloud.client.post(
            URL, b"{}", content_type="application/json", headers={"Authorization": header} if header else {}
        )
        answers.append((response.status_code, response.content))
        assert response["WWW-Authenticate"] == "Bearer"
    assert len(set(answers)) == 1 and answers[0][0] == 401
    assert not Report.objects.exists()


def test_other_methods_and_addresses_are_told_in_json(cloud: Program) -> None:
    for method, path, status in (
        ("put", URL, 405),
        ("delete", URL, 405),
        ("get", "/api/v1/nothing", 404),
        ("get", "/api/v1/", 404),
    ):
        response = getattr(cloud.client, method)(path, headers={"Authorization": f"Bearer {cloud.token}"})
        assert response.status_code == status
        assert set(json.loads(response.content)) == {"code", "sentence"}


def test_the_schema_is_openapi_3_1_and_names_no_other_host(cloud: Program) -> None:
    response = cloud.client.get("/api/v1/openapi.json")
    schema = json.loads(response.content)
    assert schema["openapi"].startswith("3.1")
    assert set(schema["paths"]) >= {"/api/v1/reports", "/api/v1/reports/{report_id}", "/api/v1/referrals"}
    assert all(path.startswith("/api/v1/") for path in schema["paths"])
    assert "http" not in response.content.decode().replace("https://example.org", "").replace(
        '"type": "http"', ""
    )
    for path in schema["paths"].values():
        for operation in path.values():
            assert operation["security"]
    assert cloud.client.get("/api/v1/docs").status_code == 404


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    addresses=_JSON,
    reference=_JSON,
    note=st.text(max_size=40) | st.none(),
    key=st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=210),
)
def test_whatever_is_sent_no_answer_is_a_fault(
    cloud: Program, addresses: object, reference: object, note: object, key: str
) -> None:
    body = {"addresses": addresses, "reference": reference, "note": note}
    status, answer = cloud.post(body, key)
    assert status in (200, 201, 400, 409), answer
    if status == 201:
        assert Report.objects.filter(report_id=str(answer["report_id"])).exists()
