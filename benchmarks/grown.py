"""A house that has been at work for months: what the import filed waits in the queue, and as much again is on its way.

True here: a filler, by sets in SQL on PostgreSQL. Addresses, keys and references are real ones; what hangs on them
(opinions, traces, looks, questions, notices, referrals, letters, holds, clocks) is in numbers, states and times as a
house would have them and stands in the tables as the steps would have left it, but nothing walked its path and there
is no ledger entry for it. Texts are short, and sealed bytes are noise. At `NOW` of such a house nothing is due: every
deadline lies ahead, every trace holds. Not here: what the import files, and measuring.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from benchmarks import made

HOSTS = 2_000  # the largest holds 8 of 100 removals, the smallest ten of a million
BUNDLE = 20  # removals of one question, notice or mail to police abroad
# Of 1,000 removals: how many are in a state, and by which route.
SHARES = (
    ("traced", "home", 1),
    ("unclear", "home", 3),
    ("asked", "home", 20),
    ("silent", "home", 1),
    ("held", "home", 5),
    ("cleared", "home", 5),
    ("noticed", "home", 90),
    ("acknowledged", "home", 30),
    ("overdue", "home", 5),
    ("gone?", "home", 10),
    ("referred", "abroad-hotline", 330),
    ("referred to police", "abroad-police", 95),
    ("unavailable there", "abroad-hotline", 4),
    ("not illegal there", "abroad-hotline", 1),
    ("removed", "home", 100),
    ("removed", "abroad-hotline", 150),
    ("gone before notice", "home", 30),
    ("closed", "home", 50),
    ("closed", "abroad-hotline", 70),
)
_OPEN = "('traced','unclear','asked','silent','held','cleared','noticed','acknowledged','overdue','gone?','referred',"
_OPEN += "'referred to police','unavailable there','not illegal there')"
_NOTICED = "('noticed','acknowledged','overdue','gone?')"
_CLOCKS = """CASE status WHEN 'traced' THEN 'bundle' WHEN 'unclear' THEN 'origin' WHEN 'asked' THEN 'police answer'
    WHEN 'silent' THEN 'escalation' WHEN 'held' THEN 'hold review' WHEN 'cleared' THEN 'departure'
    WHEN 'noticed' THEN 'host target' WHEN 'acknowledged' THEN 'host target' WHEN 'gone?' THEN 'host target'
    WHEN 'overdue' THEN 'ladder' WHEN 'unavailable there' THEN 'unavailable there'
    WHEN 'not illegal there' THEN 'partner review' ELSE 'partner query' END"""


def grow(count: int, *, at: datetime) -> None:
    """Put `count` graded items with one removal each, and all that hangs on them, into this process's house.

    `at` is the moment the rows are made for. Raises RuntimeError on a database that is not PostgreSQL.
    """
    from django.db import connection, transaction

    if connection.vendor != "postgresql":
        raise RuntimeError("The large house is made on PostgreSQL.")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL synchronous_commit = off; SET LOCAL maintenance_work_mem = '512MB'; SET LOCAL work_mem = '256MB'"
        )
        cursor.execute("SELECT setseed(0.5), set_config('house.at', %s, false)", [at.isoformat()])
        _addresses(cursor, count)
        for statement in _statements(at):
            cursor.execute(statement)
        _numbers(cursor)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _addresses(cursor: Any, count: int) -> None:
    """The table `made`: number, reference, address as the house reads it, state, host and country of each."""
    from openhotline.rules import references, urls

    cursor.execute("SELECT coalesce(max(id), 0) FROM records_item")
    first = cursor.fetchone()[0]
    cursor.execute("CREATE TEMP TABLE raw (n bigint, ref text, digest bytea, canonical text, host text)")
    refs = references.items(2025, 1, count)
    numbers = list(range(first, first + count))
    with cursor.copy("COPY raw FROM STDIN") as copy:
        for start in range(0, count, 50_000):
            part = numbers[start : start + 50_000]
            for n, ref, one in zip(
                part,
                refs[start : start + 50_000],
                urls.read_many([made.address(n) for n in part]),
                strict=True,
            ):
                copy.write_row((n + 1, ref, one.key_digest, one.canonical, one.host))
    shares, end = [], 0
    for status, route, share in SHARES:
        shares.append(f"({end}, {end + share}, '{status}', '{route}')")
        end += share
    if end != 1000:
        raise RuntimeError(f"The shares sum to {end} of 1,000.")
    cursor.execute(f"""
        CREATE TEMP TABLE made AS
        SELECT raw.*, share.status, share.route, 1 + floor({HOSTS} * power(random(), 3))::bigint AS host_id,
               CASE WHEN share.route = 'home' THEN 'GB' WHEN share.route = 'abroad-police' THEN
                    (ARRAY['MD','MN'])[1 + n % 2] ELSE (ARRAY['NL','US','DE','FR'])[1 + n % 4] END AS country,
               current_setting('house.at')::timestamptz - make_interval(secs => 3600 + random() * 7000000) AS came,
               status IN {_OPEN} AS open, n % 499 = 0 AND status <> 'traced' AS risk
        FROM raw JOIN (VALUES {", ".join(shares)}) AS share(low, high, status, route)
          ON (raw.n * 7919) % 1000 >= share.low AND (raw.n * 7919) % 1000 < share.high;
        CREATE INDEX ON made (n); ANALYZE made
    """)


def _fill(label: str, given: dict[str, str], tail: str) -> str:
    """INSERT INTO a model's table: `given` SQL for some columns, the model's default for the others."""
    from django.apps import apps
    from django.db import models

    columns, values = [], []
    model = apps.get_model(label)
    for field in model._meta.local_concrete_fields:
        if field.column in given:
            value = given.pop(field.column)
        elif field.primary_key:
            continue
        elif not field.has_default():
            value = "NULL" if field.null else "''"
        elif isinstance(field, models.JSONField):
            value = "'[]'" if isinstance(field.get_default(), list) else "'{}'"
        else:
            default = field.get_default()
            value = str(default) if isinstance(default, bool | int) else "'" + str(default) + "'"
        columns.append(field.column)
        values.append(value)
    if given:
        raise RuntimeError(f"{label} has no {', '.join(given)}.")
    names = ", ".join(f'"{column}"' for column in columns)
    return f"INSERT INTO {model._meta.db_table} ({names}) SELECT {', '.join(values)} {tail}"


def _statements(at: datetime) -> Iterator[str]:
    """Every table in turn. The numbers of items and removals are those of `made`."""
    now = f"'{at.isoformat()}'::timestamptz"
    ahead = f"{now} + make_interval(secs => 86400 + random() * 86400 * 6)"
    noise = "decode(repeat(md5(n::text), 30), 'hex')"
    yield from _people(now)
    yield _fill(
        "records.Item",
        {
            "id": "n", "ref": "ref", "kind": "'address'", "key_digest": "digest", "canonical": "canonical",
            "host": "host", "status": "'graded'", "version": "5", "look_allowed_at": "came + interval '1 h'",
            "cls": "'child-sexual-abuse'", "category": "(ARRAY['A','B','C'])[1 + n % 3]", "age_band": "'7-10'",
            "received_at": "came", "graded_at": "came + interval '2 h'", "at_risk": "risk",
        },
        "FROM made ORDER BY n",
    )  # fmt: skip
    stamps = """came + make_interval(secs => 3600 + random() * 20000)"""
    yield _fill(
        "records.Removal",
        {
            "id": "n", "uid": "gen_random_uuid()", "item_id": "n", "host_id": "host_id", "country": "country",
            "route": "route", "status": "status", "version": "6",
            "due_at": f"CASE WHEN status = 'unclear' THEN {now} - interval '1 h' WHEN open THEN {ahead} END",
            "clock": f"CASE WHEN open THEN {_CLOCKS} ELSE '' END",
            "opened_at": "came + interval '3 h'", "again": "n % 50 = 0", "t0_received": "came",
            "t1_graded": "came + interval '2 h'", "t2_traced": stamps,
            "t3_asked": f"CASE WHEN route = 'home' AND status NOT IN ('traced','unclear') THEN {stamps} END",
            "t4_answered": f"CASE WHEN route = 'home' AND status NOT IN ('traced','unclear','asked','silent') THEN {stamps} END",
            "t5_sent": f"CASE WHEN status IN {_NOTICED} OR status IN ('referred','referred to police','removed','closed') THEN came + interval '10 h' END",
            "t6_acknowledged": "CASE WHEN status = 'acknowledged' THEN came + interval '11 h' END",
            "t7_first_miss": "CASE WHEN NOT open THEN came + interval '20 h' END",
            "t8_gone": "CASE WHEN NOT open THEN came + make_interval(secs => 73000 + random() * 200000) END",
            "next_check_at": f"CASE WHEN status <> 'closed' THEN {ahead} END",
            "retrace_at": f"CASE WHEN open THEN {now} + interval '19 h' END",
            "look_step": "2", "watch_step": "0",
        },
        "FROM made ORDER BY n",
    )  # fmt: skip
    for age, which in (("20 h", "n % 2 = 0"), ("1 h", "true")):  # the newest trace holds for a day
        yield _fill(
            "records.Trace",
            {
                "item_id": "n", "removal_id": "n", "at": f"{now} - interval '{age}'",
                "expires_at": f"{now} + interval '1 day' - interval '{age}' + make_interval(secs => {0 if age == '1 h' else -14400})",
                "verdict": "CASE WHEN status = 'unclear' THEN 'unclear' ELSE 'agreed' END", "score": "0.93",
                "country": "country", "operator": "'Network ' || host_id", "asn": "64496 + host_id % 16",
                "address": "'192.0.2.' || (n % 250 + 1)", "network": "'192.0.2.0/24'", "host_id": "host_id",
                "answers": """'[{"method": "dns", "country": "", "operator": "", "why": "A filler."}]'""",
                "rules": "'2026.3'", "weights": "'2026.3'", "sealed": noise, "digest": "md5(n::text)",
            },
            f"FROM made WHERE {which} ORDER BY n",
        )  # fmt: skip
    for step in (0, 1):
        yield _fill(
            "records.Check",
            {
                "removal_id": "n", "step": str(step), "at": f"{now} - make_interval(hours => {8 - 4 * step}, secs => (n % 3600)::int)",
                "vantage": "place", "path_variant": "'plain'", "outcome": "'answered'", "canary_up": "true",
                "status": "CASE WHEN open THEN 200 ELSE 404 END",
                "meaning": f"CASE WHEN NOT open THEN 'miss' WHEN {step} = 1 AND n % 2000 = 7 THEN 'changed' ELSE 'up' END",
            },
            "FROM made, (VALUES ('north'), ('south')) AS places(place) WHERE status <> 'closed' ORDER BY n",
        )  # fmt: skip
    yield _fill(
        "records.Likeness",
        {"item_id": "n", "wanted_at": "came", "at": "came", "vantage": "'north'", "status": "200",
         "fingerprint": "md5(n::text)", "words": "200", "size": "4000", "path_variant": "'plain'"},
        "FROM made ORDER BY n",
    )  # fmt: skip
    for reading in ("first", "second"):
        yield _fill(
            "records.Assessment",
            {"item_id": "n", "reading": f"'{reading}'", "by_id": f"(SELECT min(id) FROM records_user) + {int(reading == 'second')}",
             "at": "came + interval '1 h'", "opinion": "'illegal'", "cls": "'child-sexual-abuse'", "category": "'A'",
             "scheme": "'categories'", "policy": "'2026'"},
            "FROM made ORDER BY n",
        )  # fmt: skip
    yield from _reports(now)
    yield from _clocks(now)
    yield from _police(now)
    yield from _outward(now)
    yield from _queue(now, ahead)


def _people(now: str) -> Iterator[str]:
    yield _fill(
        "records.Host",
        {"id": "n", "key": "'64496:host ' || n", "name": "'Hosting Example ' || n", "asn": "64496 + n % 16",
         "country": "'GB'", "first_seen": now},
        f"FROM generate_series(1, {HOSTS}) n",
    )  # fmt: skip
    yield _fill(
        "records.Contact",
        {"id": "n", "host_id": "n", "mail": "'abuse@host' || n || '.example'", "source": "'rdap'", "added_at": now,
         "added_by": "'worker'", "verified_at": f"CASE WHEN n % 10 > 0 THEN {now} END",
         "verified_by": "CASE WHEN n % 10 > 0 THEN 'A08' ELSE '' END"},
        f"FROM generate_series(1, {HOSTS}) n",
    )  # fmt: skip
    for name, role, unit in (
        ("A08", "analyst", "NULL"), ("A09", "analyst", "NULL"), ("L01", "liaison", "NULL"),
        ("P01", "officer", "(SELECT min(id) FROM records_unit)"),
    ):  # fmt: skip
        yield _fill(
            "records.User",
            {"username": f"'{name}'", "pseudonym": f"'{name}'", "role": f"'{role}'", "unit_id": unit,
             "date_joined": now, "password": "'!'", "is_active": "true"},
            "",
        )  # fmt: skip
    yield _fill("records.Partner", {"key": "'partner-nl'", "name": "'Partner hotline'", "kind": "'hotline'", "country": "'NL'"}, "")  # fmt: skip


def _reports(now: str) -> Iterator[str]:
    """One report for each; three in ten of the public, and half of these look at their receipt."""
    yield "CREATE TEMP TABLE base AS SELECT coalesce(max(id), 0) AS report FROM records_report"
    yield _fill(
        "records.Report",
        {
            "id": "base.report + n", "report_id": "gen_random_uuid()", "source": "CASE WHEN n % 10 < 3 THEN 'public' ELSE 'hotline' END",
            "status": "CASE WHEN open THEN 'joined' ELSE 'answered' END", "received_at": "came",
            "answered_at": "CASE WHEN open THEN NULL ELSE came + interval '9 d' END",
            "receipt_hash": "CASE WHEN n % 20 < 3 THEN encode(sha256(n::text::bytea), 'hex') ELSE '' END",
        },
        "FROM made, base ORDER BY n",
    )  # fmt: skip
    yield _fill(
        "records.ReportLine",
        {"report_id": "base.report + n", "position": "0", "reported": "canonical", "item_id": "n"},
        "FROM made, base ORDER BY n",
    )
    yield _fill(
        "records.ReceiptPhase",
        {"receipt_hash": "encode(sha256(n::text::bytea), 'hex')",
         "phase": "CASE WHEN open THEN 'in progress' ELSE 'removed' END", "not_closed_before": "came + interval '7 d'"},
        "FROM made WHERE n % 20 < 3",
    )  # fmt: skip


def _clocks(now: str) -> Iterator[str]:
    common = {
        "opened_at": "t0_received",
        "name": "clock",
        "subject": "'removal'",
        "subject_id": "id",
        "due_at": "due_at",
    }
    yield _fill("records.Clock", dict(common), "FROM records_removal WHERE due_at IS NOT NULL ORDER BY id")
    for subject in ("item", "removal"):
        past = {
            "subject": f"'{subject}'",
            "name": "'assess'",
            "due_at": "t1_graded",
            "closed_at": "t1_graded",
            "ended": "'met'",
        }
        yield _fill("records.Clock", {**common, **past}, "FROM records_removal ORDER BY id")


def _bundled(name: str, where: str) -> str:
    """A temporary table: removal, and the number of the bundle it is in."""
    return f"""
        CREATE TEMP TABLE {name} AS SELECT n, status, host_id, route, country, came, dense_rank() OVER (ORDER BY key, host_id, part) AS bundle
        FROM (SELECT *, status || country AS key, row_number() OVER (PARTITION BY status, country, host_id ORDER BY n) / {BUNDLE} AS part
              FROM made WHERE {where}) AS parts;
        CREATE INDEX ON {name} (bundle); ANALYZE {name}
    """


def _letters(
    kind: str, prefix: str, table: str, to: str, transport: str, state: str, now: str
) -> Iterator[str]:
    """A letter for each bundle of a table, and its lines."""
    yield "CREATE TEMP TABLE IF NOT EXISTS last_letter (last bigint); TRUNCATE last_letter; INSERT INTO last_letter SELECT coalesce(max(id), 0) FROM outbox_letter"
    yield _fill(
        "outbox.Letter",
        {
            "id": "last_letter.last + bundle", "kind": f"'{kind}'", "number": f"'{prefix}-' || bundle", "recipient": to,
            "transport": f"'{transport}'", "key": f"encode(sha256(('{kind}' || bundle)::bytea), 'hex')", "state": state,
            "put_at": "came", "due_at": f"CASE WHEN {state} = 'pending' THEN {now} + interval '1 day' ELSE came END",
            "told_of": f"CASE WHEN {state} = 'contact needed' THEN 'contact needed' ELSE '' END",
            "claimed_at": "came", "sent_at": f"CASE WHEN {state} = 'sent' THEN came END", "way": "'smtp'", "attempts": "1",
            "subject": f"'{prefix}-' || bundle", "body": "decode(repeat(md5(bundle::text), 60), 'hex')",
        },
        f"FROM (SELECT bundle, min(host_id) AS host_id, min(status) AS status, min(came) AS came FROM {table} GROUP BY bundle) AS b, last_letter ORDER BY bundle",
    )  # fmt: skip
    yield _fill(
        "outbox.LetterLine",
        {"letter_id": "last_letter.last + bundle", "removal": "n", "kind": f"'{kind}'", "number": f"'{prefix}-' || bundle", "recipient": to},
        f"FROM {table}, last_letter ORDER BY n",
    )  # fmt: skip


def _police(now: str) -> Iterator[str]:
    """Questions with their answers and holds, requests, alarms."""
    unit = "(SELECT min(id) FROM records_unit)"
    officer = "(SELECT id FROM records_user WHERE username = 'P01')"
    yield _bundled("asked", "route = 'home' AND status NOT IN ('traced', 'unclear')")
    yield _fill(
        "records.Consultation",
        {
            "id": "bundle", "number": "'P-25-' || bundle", "unit_id": unit, "host_id": "host_id",
            "agreement": f"(SELECT agreement FROM records_unit WHERE id = {unit})", "agreement_version": "'2026.1'",
            "told_at": "came", "asked_at": "came", "asked_by": "'worker'",
            "due_at": f"CASE WHEN status = 'asked' THEN {now} + interval '1 h' ELSE came + interval '2 h' END",
            "rung_at": f"CASE WHEN status = 'silent' THEN {now} END",
            "escalated_at": f"CASE WHEN status = 'silent' THEN {now} END",
            "managers_at": f"CASE WHEN status = 'silent' THEN {now} END",
            "answered_at": "CASE WHEN status NOT IN ('asked', 'silent') THEN came + interval '1 h' END",
        },
        "FROM (SELECT bundle, min(host_id) AS host_id, min(status) AS status, min(came) AS came FROM asked GROUP BY bundle) AS b ORDER BY bundle",
    )  # fmt: skip
    yield _fill("records.ConsultationLine", {"consultation_id": "bundle", "removal_id": "n", "answered": "status NOT IN ('asked','silent')"}, "FROM asked ORDER BY n")  # fmt: skip
    yield _fill(
        "records.Answer",
        {"id": "bundle", "consultation_id": "bundle", "kind": "CASE WHEN status = 'held' THEN 'hold' ELSE 'go-ahead' END", "by_id": officer,
         "at": "came + interval '1 h'", "clears": "status <> 'held'", "reason": "CASE WHEN status = 'held' THEN 'covert work' ELSE '' END",
         "valid_until": f"CASE WHEN status = 'cleared' THEN {now} + interval '1 day' ELSE came + interval '2 d' END"},
        "FROM (SELECT bundle, min(status) AS status, min(came) AS came FROM asked WHERE status NOT IN ('asked', 'silent') GROUP BY bundle) AS b ORDER BY bundle",
    )  # fmt: skip
    yield _fill("records.AnswerLine", {"answer_id": "bundle", "removal_id": "n", "was": "'asked'"}, "FROM asked WHERE status NOT IN ('asked', 'silent') ORDER BY n")  # fmt: skip
    hold = {
        "removal_id": "n",
        "answer_id": "bundle",
        "reason": "'covert work'",
        "placed_at": "came",
        "placed_by": "'P01'",
    }
    yield _fill("records.Hold", {**hold, "review_at": f"{now} + interval '3 d'"}, "FROM asked WHERE status = 'held' ORDER BY n")  # fmt: skip
    yield _fill("records.Hold", {**hold, "review_at": "came + interval '5 d'", "released_at": "came + interval '2 d'"}, "FROM asked WHERE status = 'removed' AND n % 10 = 0 ORDER BY n")  # fmt: skip
    yield from _letters("police-question", "P-25", "asked", "'unit@police.example'", "mail", "'sent'", now)
    yield _fill(
        "records.PoliceRequest",
        {"id": "n", "number": "'V-25-' || n", "unit_id": unit, "kind": "CASE WHEN n % 2 = 0 THEN 'check' ELSE 'statement' END", "by_id": officer,
         "at": f"{now} - make_interval(hours => n::int)", "due_at": f"{now} + interval '3 d'", "outcome": "CASE WHEN n % 5 > 0 THEN 'done' ELSE '' END",
         "outcome_at": f"CASE WHEN n % 5 > 0 THEN {now} END"},
        "FROM generate_series(1, (SELECT count(*) FROM made) / 500) n",
    )  # fmt: skip
    # Of those that wait, one address at least is in the queue.
    yield _fill(
        "records.PoliceRequestLine",
        {"request_id": "r.id", "position": "p", "reported": "'http://a.example/' || p", "item_id": "1 + (r.id * 31 + p) % (SELECT min(n) - 1 FROM made)"},
        "FROM records_policerequest r, generate_series(0, 9) p ORDER BY r.id, p",
    )  # fmt: skip
    yield _fill(
        "records.Alarm",
        {"item_id": "n", "by_id": "(SELECT min(id) FROM records_user)", "at": "came", "due_at": f"{now} + interval '1 d'", "unit_id": unit,
         "phone": "'000'", "acknowledged_at": "CASE WHEN n % 10 > 0 THEN came END"},
        "FROM made WHERE risk",
    )  # fmt: skip


def _outward(now: str) -> Iterator[str]:
    """Notices, referrals, wishes to be traced, and the filter list."""
    yield _bundled("noticed", f"route = 'home' AND status IN ('cleared','removed') OR status IN {_NOTICED}")
    yield _fill(
        "records.Notice",
        {
            "id": "bundle", "number": "'N-25-' || bundle", "host_id": "host_id", "contact_id": "host_id", "cls": "'child-sexual-abuse'",
            "drafted_at": "came", "sent_at": "CASE WHEN status <> 'cleared' THEN came END", "due_at": "came + interval '4 h'",
            "ladder_at": f"CASE WHEN status = 'overdue' THEN {now} - interval '10 m' ELSE {now} + interval '1 d' END", "code": "md5(bundle::text)::varchar(12)",
            "link_digest": "encode(sha256(bundle::text::bytea), 'hex')",
        },
        "FROM (SELECT bundle, min(host_id) AS host_id, min(status) AS status, min(came) AS came FROM noticed GROUP BY bundle) AS b ORDER BY bundle",
    )  # fmt: skip
    yield _fill("records.NoticeLine", {"notice_id": "bundle", "removal_id": "n"}, "FROM noticed ORDER BY n")
    yield from _letters(
        "notice", "N-25", "noticed", "'abuse@host' || host_id || '.example'", "mail",
        "(CASE WHEN status = 'cleared' THEN (CASE WHEN host_id % 10 = 0 THEN 'contact needed' ELSE 'pending' END) ELSE 'sent' END)", now,
    )  # fmt: skip
    yield """CREATE TEMP TABLE referred AS SELECT n, status, host_id, route, country, came,
        CASE WHEN route = 'abroad-hotline' THEN n ELSE (SELECT max(n) FROM made) + host_id * 2 + n % 2 END AS bundle
        FROM made WHERE route <> 'home'; CREATE INDEX ON referred (bundle); ANALYZE referred"""
    yield _fill(
        "records.Referral",
        {"id": "bundle", "number": "'R-25-' || bundle", "country": "country", "via": "CASE WHEN route = 'abroad-hotline' THEN 'hotline' ELSE 'police' END",
         "partner_id": "CASE WHEN route = 'abroad-hotline' THEN (SELECT min(id) FROM records_partner) END",
         "unit_id": "CASE WHEN route <> 'abroad-hotline' THEN (SELECT min(id) FROM records_unit) END",
         "drafted_at": "came", "sent_at": "came", "due_at": f"{now} + interval '2 d'"},
        "FROM (SELECT bundle, min(route) AS route, min(country) AS country, min(came) AS came FROM referred GROUP BY bundle) AS b ORDER BY bundle",
    )  # fmt: skip
    yield _fill(
        "records.ReferralLine", {"referral_id": "bundle", "removal_id": "n"}, "FROM referred ORDER BY n"
    )
    yield from _letters("referral", "R-25", "referred", "'partner-nl'", "partner", "'sent'", now)
    yield "ALTER TABLE made ADD COLUMN bundle bigint; UPDATE made SET bundle = n"
    yield from _letters("trace", "T", "made", "'prober'", "prober", "'sent'", now)
    yield "DELETE FROM outbox_letterline WHERE kind = 'trace'"  # a wish has none
    yield _fill("records.ListIssue", {"at": f"{now} - interval '1 m'", "added": "0", "size": "0"}, "")
    yield _fill("records.ListEntry", {"removal_id": "n", "listed_at": f"{now} - interval '1 m'"}, "FROM made WHERE status = 'referred' AND n % 7 = 0 AND n % 2000 <> 7 ORDER BY n")  # fmt: skip
    yield _fill("records.ListEntry", {"removal_id": "n", "listed_at": "came", "off_at": "came + interval '3 d'"}, "FROM made WHERE NOT open AND route <> 'home' AND n % 7 = 0 ORDER BY n")  # fmt: skip


def _queue(now: str, ahead: str) -> Iterator[str]:
    """Of what was imported: some were read once, are disputed or could not be reached; ten are with an analyst."""
    yield f"""UPDATE records_item SET due_at = {now} + make_interval(secs => random() * 950400 - 864000),
        status = CASE WHEN id % 100 < 6 THEN 'graded once' WHEN id % 1000 = 7 THEN 'disputed' WHEN id % 100 = 8 THEN 'unreachable' ELSE status END,
        clock = CASE WHEN id % 100 = 8 THEN 'try again' ELSE clock END, at_risk = id % 5000 = 11, priority = id % 300 = 5
        WHERE id < (SELECT min(n) FROM made)"""
    yield "UPDATE records_clock c SET due_at = i.due_at FROM records_item i WHERE c.subject = 'item' AND c.subject_id = i.id AND c.closed_at IS NULL"
    yield f"""UPDATE records_item SET status = 'assessing', locked_by_id = (SELECT min(id) FROM records_user), locked_until = {now} + interval '1 d'
        WHERE id IN (SELECT id FROM records_item WHERE status = 'received' ORDER BY due_at LIMIT 10)"""
    yield _fill(
        "records.Assessment",
        {"item_id": "id", "reading": "'first'", "by_id": "(SELECT min(id) FROM records_user)", "at": now, "opinion": "'illegal'",
         "cls": "'child-sexual-abuse'", "category": "'A'", "scheme": "'categories'", "policy": "'2026'"},
        "FROM records_item WHERE status IN ('graded once', 'disputed') ORDER BY id",
    )  # fmt: skip


def _numbers(cursor: Any) -> None:
    """Numbers go on behind those that were given here."""
    for table in ("records_item", "records_removal", "records_report", "records_host", "records_contact", "records_consultation",
                  "records_answer", "records_notice", "records_referral", "outbox_letter", "records_policerequest"):  # fmt: skip
        cursor.execute(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
        )
