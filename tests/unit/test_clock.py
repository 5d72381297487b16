"""Which clock the steps go by."""

from __future__ import annotations

import sys
import time

import pytest

from consul.core import clock

#: A clock of the system, for a platform that has one by that name.
NUMBER = 12345


@pytest.fixture
def read(monkeypatch):
    """The clocks that were read, on a system that has all of them."""
    found = []

    def gettime(which):
        found.append(which)
        return 7.5

    monkeypatch.setattr(time, "clock_gettime", gettime, raising=False)
    monkeypatch.setattr(time, "CLOCK_BOOTTIME", NUMBER, raising=False)
    monkeypatch.setattr(time, "CLOCK_MONOTONIC", NUMBER + 1, raising=False)
    return found


@pytest.mark.parametrize(
    ("platform", "which"),
    [("linux", NUMBER), ("android", NUMBER), ("darwin", NUMBER + 1)],
)
def test_the_clock_counts_the_time_of_a_suspended_machine(monkeypatch, read, platform, which):
    monkeypatch.setattr(sys, "platform", platform)
    now = clock._choose()
    assert read == [which]
    assert now() == 7.5
    assert read == [which, which]


@pytest.mark.parametrize(
    ("platform", "missing"),
    [
        ("linux", ["CLOCK_BOOTTIME"]),
        ("freebsd14", ["CLOCK_BOOTTIME"]),
        ("darwin", ["CLOCK_MONOTONIC"]),
        ("win32", ["CLOCK_BOOTTIME", "CLOCK_MONOTONIC", "clock_gettime"]),
    ],
)
@pytest.mark.usefixtures("read")
def test_a_system_without_such_a_clock(monkeypatch, platform, missing):
    monkeypatch.setattr(sys, "platform", platform)
    for name in missing:
        monkeypatch.delattr(time, name)
    assert clock._choose() is time.monotonic


def test_a_kernel_without_such_a_clock(monkeypatch, read):
    def gettime(which):
        raise OSError("Invalid argument")

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(time, "clock_gettime", gettime)
    assert clock._choose() is time.monotonic


def test_the_time_goes_on():
    times = [clock.now() for _ in range(100)]
    assert times == sorted(times)
    assert clock.now() + 60 > times[-1]


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="a clock of Linux")
def test_it_is_that_clock_here():
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert before <= clock.now() <= time.clock_gettime(time.CLOCK_BOOTTIME)
