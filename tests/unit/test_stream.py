"""The time limits of streams, in words."""

from __future__ import annotations

from consul.core.stream import Pace


def test_what_is_told_names_the_limit_that_was_met():
    assert Pace(5, None).told() == "nothing came for 5 s"
    assert Pace(5, 60).told() == "nothing came for 5 s"
    assert Pace(5, 0).told() == "it took longer than 0 s"
    # A timer may ring a little before the end.
    assert Pace(None, 60).told() == "it took longer than 60 s"


def test_what_is_told_of_the_head():
    assert Pace(None, None).of_head(3).told() == "no answer in 3 s"
    assert Pace(None, None).of_head(None).told() == "no answer in time"
    assert Pace(None, 0).of_head(3).told() == "it took longer than 0 s"


def test_the_shorter_limit_is_what_is_left():
    assert Pace(None, None).left() is None
    assert Pace(5, None).left() == 5
    assert Pace(5, 60).left() == 5
    left = Pace(60, 5).left()
    assert left is not None
    assert 0 < left <= 5
    assert Pace(60, 5).of_head(1).left() == 1
