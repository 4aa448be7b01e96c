"""A demo whose output goes to a file says where it is: one line for each scene, as it begins."""

from datetime import UTC, datetime

import pytest

from openhotline.demo import run


class TwoScenes:
    """A day that only tells its scenes."""

    SCENES = ("reports come in", "hosts act")
    now = datetime(2026, 5, 12, 7, 5, tzinfo=UTC)

    def play(self) -> None:
        for name in self.SCENES:
            self.tell(name)  # type: ignore[attr-defined]


def test_where_nobody_watches_a_bar_each_scene_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    run._play(TwoScenes())  # type: ignore[arg-type]
    assert capsys.readouterr().err.splitlines() == [
        "12 May 07:05  Reports come in (1 of 2)",
        "12 May 07:05  Hosts act (2 of 2)",
    ]


def test_a_result_as_json_stands_alone(capsys: pytest.CaptureFixture[str]) -> None:
    run._play(TwoScenes(), show=False)  # type: ignore[arg-type]
    assert capsys.readouterr() == ("", "")
