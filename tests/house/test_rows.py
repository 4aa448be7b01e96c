"""Every row of the domain's table of transitions is in a path, beside it, or named as still to come."""

from openhotline.rules import item_path, removal_path, report_path

WANTED = {
    "report": {"2", "3", "R0", "R1", "R2", "R3", "R4"},
    "item": {"1", "4", "5", "6", "7", "8", "9", "10", "16", "47"},
    "removal": {str(n) for n in (*range(11, 28), *range(29, 43), 44, 46)},
}


def test_every_row_is_carried_or_named():
    assert report_path.PATH.rows() >= WANTED["report"]
    assert item_path.PATH.rows() >= WANTED["item"]
    carried = item_path.PATH.rows() | removal_path.PATH.rows() | report_path.PATH.rows()
    every = {str(n) for n in range(1, 51)}
    named = set(removal_path.STILL_TO_COME) | set(removal_path.BESIDE)
    assert every - carried - named == set()
    assert WANTED["removal"] <= carried


def test_what_is_still_to_come_is_said_in_words():
    for row, what in removal_path.STILL_TO_COME.items():
        assert row.isdigit()
        assert "issue" in what, f"row {row} must say where it comes"
    assert {"49", "50"} == set(removal_path.STILL_TO_COME)


def test_no_status_is_a_dead_end_by_accident():
    last = {
        "report": {"anonymised"},
        "item": {"no location", "graded"} | {"not illegal", "out of remit"},
        "removal": {"closed"},
    }
    for path in (report_path.PATH, item_path.PATH, removal_path.PATH):
        sources = {status for line in path.steps for status in line.sources}
        ends = set(path.statuses()) - sources
        assert ends <= last[path.name], f"{path.name}: {ends - last[path.name]} leads nowhere"
