"""How long each leg of a removal takes: medians and nine-in-ten, gone, moved and held counted apart.

True here: figures over whole sets, computed in the database by one statement on SQLite and PostgreSQL
alike; nearest-rank percentiles, so that every figure is a time that really occurred. A removal counts in
the period in which it was received. What is not here: people (nobody is ranked) and clocks kept or missed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

# Leg: name, from which stamp, to which.
LEGS = (
    ("graded", "Received to graded", "t0_received", "t1_graded"),
    ("traced", "Graded to traced", "t1_graded", "t2_traced"),
    ("asked", "Traced to police asked", "t2_traced", "t3_asked"),
    ("answered", "Asked to answered", "t3_asked", "t4_answered"),
    ("sent", "Answered to notice sent", "t4_answered", "t5_sent"),
    ("acknowledged", "Sent to acknowledged", "t5_sent", "t6_acknowledged"),
    ("missed", "Sent to first miss", "t5_sent", "t7_first_miss"),
    ("gone", "Sent to confirmed gone", "t5_sent", "t8_gone"),
    ("whole", "Received to confirmed gone", "t0_received", "t8_gone"),
)
NAMES = {key: name for key, name, _, _ in LEGS}
OUTCOMES = (
    ("gone", "Gone"),
    ("moved", "Moved elsewhere"),
    ("held", "Held by the police on the way"),
    ("open", "Still open, or closed otherwise"),
)


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg for one outcome: how many removals have both stamps, and their median and 90th percentile."""

    outcome: str
    leg: str
    count: int
    median: timedelta
    p90: timedelta

    @property
    def name(self) -> str:
        """The leg in words."""
        return NAMES[self.leg]


# Moved before held before gone: a removal that was ever held waits for somebody else's reasons, and one
# that moved ended here without being gone. Closed after moving still counts as moved: it has a later episode
# and was never confirmed gone.
_OUTCOME = """
    CASE
      WHEN r.status = 'moved' OR (r.t8_gone IS NULL AND EXISTS (
        SELECT 1 FROM records_removal later WHERE later.item_id = r.item_id AND later.server = r.server AND later.episode > r.episode)) THEN 'moved'
      WHEN EXISTS (SELECT 1 FROM records_hold h WHERE h.removal_id = r.id) THEN 'held'
      WHEN r.t8_gone IS NOT NULL THEN 'gone'
      ELSE 'open'
    END
"""


def _seconds(start: str, end: str) -> str:
    """SQL for the seconds between two stamps."""
    if connection.vendor == "postgresql":
        return f"EXTRACT(EPOCH FROM ({end} - {start}))"
    return f"(julianday({end}) - julianday({start})) * 86400.0"


def _times(since: datetime, until: datetime) -> dict[str, Any]:
    adapt = connection.ops.adapt_datetimefield_value
    return {"since": adapt(since), "until": adapt(until)}


def legs(*, since: datetime, until: datetime) -> list[Leg]:
    """Every leg that some removal received in [since, until) has walked, in the order of LEGS."""
    parts = " UNION ALL ".join(
        f"SELECT outcome, '{key}' AS leg, {_seconds(start, end)} AS s FROM own "  # noqa: S608  names are ours
        f"WHERE {start} IS NOT NULL AND {end} IS NOT NULL AND {end} >= {start}"
        for key, _, start, end in LEGS
    )
    stamps = ", ".join(f"r.{stamp}" for stamp in dict.fromkeys(stamp for leg in LEGS for stamp in leg[2:]))
    sql = f"""
        WITH own AS (
          SELECT {stamps}, {_OUTCOME} AS outcome FROM records_removal r
          WHERE r.t0_received >= %(since)s AND r.t0_received < %(until)s
        ), walked AS ({parts}), ranked AS (
          SELECT outcome, leg, s,
                 ROW_NUMBER() OVER (PARTITION BY outcome, leg ORDER BY s) AS n,
                 COUNT(*) OVER (PARTITION BY outcome, leg) AS c
          FROM walked
        )
        SELECT outcome, leg, MAX(c),
               MIN(CASE WHEN n * 2 >= c THEN s END), MIN(CASE WHEN n * 10 >= c * 9 THEN s END)
        FROM ranked GROUP BY outcome, leg
    """  # noqa: S608  names are ours
    with connection.cursor() as cursor:
        cursor.execute(sql, _times(since, until))
        found = {
            # To the millisecond: SQLite's day numbers are some 50 microseconds off.
            (outcome, leg): Leg(
                outcome,
                leg,
                count,
                timedelta(seconds=round(float(median), 3)),
                timedelta(seconds=round(float(p90), 3)),
            )
            for outcome, leg, count, median, p90 in cursor.fetchall()
        }
    return [
        found[(outcome, leg)] for outcome, _ in OUTCOMES for leg, _, _, _ in LEGS if (outcome, leg) in found
    ]


def outcomes(*, since: datetime, until: datetime) -> dict[str, int]:
    """How many removals received in [since, until) ended how."""
    sql = f"""
        SELECT outcome, COUNT(*) FROM (
          SELECT {_OUTCOME} AS outcome FROM records_removal r
          WHERE r.t0_received >= %(since)s AND r.t0_received < %(until)s
        ) AS counted GROUP BY outcome
    """  # noqa: S608  names are ours
    with connection.cursor() as cursor:
        cursor.execute(sql, _times(since, until))
        return dict(cursor.fetchall())
