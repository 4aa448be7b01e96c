import json
import uuid
from collections.abc import Mapping, Sequence as Seq
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Act:
    act: str
    obj: tuple[str, str, int]
    case: str = ""
    why: str = ""
    payload: Mapping[str, object] = field(default_factory=dict)
    prev: str = ""
    on_behalf: str = ""


def configure(**kw):
    pass


def record(acts: Seq[Act], *, by, at: datetime, coarse: bool = False) -> list[UUID]:
    from openhotline.ledger.models import CaseCount, Payload, Staged
    out = []
    rows = []
    for a in acts:
        eid = uuid.uuid4()
        n = None
        if a.case:
            c, _ = CaseCount.objects.get_or_create(case_ref=a.case, defaults={"n": 0})
            c.n += 1
            c.save()
            n = c.n
        e = json.dumps({"act": a.act, "at": at.isoformat(), "case": a.case, "case_n": n, "who": by.who, "obj": list(a.obj), "why": a.why, "p": dict(a.payload)}, sort_keys=True, default=str)
        rows.append(Staged(eid=eid, entry=e.encode(), case_ref=a.case, case_n=n))
        out.append(eid)
    Staged.objects.bulk_create(rows)
    return out


def sequence(limit: int = 50000) -> int:
    return 0
