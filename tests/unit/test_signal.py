"""A flag that is set once, from any thread, and whose watchers are called once each."""

from __future__ import annotations

import sys
import threading
from functools import partial

import pytest

from consul.core.signal import NEVER, Signal


def test_a_signal_is_set_once():
    signal = Signal()
    assert (bool(signal), repr(signal)) == (False, "<Signal: not set>")
    signal.set()
    signal.set()
    assert (bool(signal), repr(signal)) == (True, "<Signal: set>")


def test_watchers_are_called_once_and_in_order():
    signal, called = Signal(), []
    for number in range(3):
        signal.watch(partial(called.append, number))
    assert called == []
    signal.set()
    signal.set()
    assert called == [0, 1, 2]
    # At once, where it is set.
    signal.watch(partial(called.append, 3))
    assert called == [0, 1, 2, 3]
    assert not signal._watchers


def test_a_watcher_sees_that_it_is_set():
    signal, seen = Signal(), []
    signal.watch(lambda: seen.append(bool(signal)))
    signal.set()
    assert seen == [True]


def test_a_watcher_that_is_forgotten_is_not_called():
    signal, called = Signal(), []
    first, second = partial(called.append, 1), partial(called.append, 2)
    signal.watch(first)
    signal.watch(second)
    assert signal.unwatch(first) is True
    assert signal.unwatch(first) is False
    signal.set()
    assert called == [2]
    assert signal.unwatch(second) is False


def test_watchers_are_told_apart_by_equality():
    """The method of an object is another object each time it is looked up."""
    signal, event = Signal(), threading.Event()
    signal.watch(event.set)
    assert signal.unwatch(event.set) is True
    signal.set()
    assert not event.is_set()


def test_a_watcher_may_watch_set_and_forget():
    signal, called = Signal(), []

    def last():
        called.append("last")

    def watcher():
        called.append("first")
        signal.set()
        signal.unwatch(last)
        signal.watch(partial(called.append, "again"))

    signal.watch(watcher)
    signal.watch(last)
    signal.set()
    assert sorted(called) == ["again", "first", "last"]


def test_a_signal_that_is_never_set_keeps_no_watchers():
    for _ in range(10):
        NEVER.watch(pytest.fail)
    assert not NEVER._watchers
    assert NEVER.unwatch(pytest.fail) is False
    assert not NEVER


# Threads


@pytest.fixture
def _busy():
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


class Threads:
    """The same few threads for many rounds: starting new ones takes longer than a round."""

    def __init__(self, *jobs):
        self.barrier = threading.Barrier(len(jobs) + 1)
        self.over, self.failures = False, []
        self.threads = [threading.Thread(target=self._work, args=(job,)) for job in jobs]
        for thread in self.threads:
            thread.start()

    def _work(self, job):
        while True:
            self.barrier.wait(10)
            if self.over:
                return
            try:
                job()
            except BaseException as error:
                self.failures.append(error)
            self.barrier.wait(10)

    def round(self):
        self.barrier.wait(10)
        self.barrier.wait(10)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.over = True
        self.barrier.wait(10)
        for thread in self.threads:
            thread.join()
        assert self.failures == []


ROUNDS, WATCHERS = 1000, 20


@pytest.mark.usefixtures("_busy")
@pytest.mark.parametrize("setters", [1, 2])
def test_each_watcher_is_called_exactly_once(setters):
    state = {}

    def set_it():
        state["signal"].set()

    def watch():
        for _ in range(WATCHERS):
            state["signal"].watch(partial(state["called"].append, object()))

    with Threads(*[set_it] * setters, watch, watch) as threads:
        for _ in range(ROUNDS):
            state.update(signal=Signal(), called=[])
            threads.round()
            called = state["called"]
            assert len(called) == len({id(each) for each in called}) == 2 * WATCHERS
            assert not state["signal"]._watchers


@pytest.mark.usefixtures("_busy")
def test_each_watcher_is_either_forgotten_or_called():
    state = {}

    def set_it():
        state["signal"].set()

    def watch():
        signal = state["signal"]
        for _ in range(WATCHERS):
            mine = []
            watcher = partial(mine.append, True)
            signal.watch(watcher)
            forgotten = signal.unwatch(watcher)
            state["outcomes"].append((forgotten, mine))

    with Threads(set_it, watch, watch) as threads:
        for _ in range(ROUNDS):
            state.update(signal=Signal(), outcomes=[])
            threads.round()
            assert len(state["outcomes"]) == 2 * WATCHERS
            for forgotten, mine in state["outcomes"]:
                assert len(mine) == (0 if forgotten else 1)


@pytest.mark.usefixtures("_busy")
def test_a_thread_that_waits_is_always_woken():
    state = {}

    def set_it():
        state["signal"].set()

    def wait():
        done = threading.Event()
        state["signal"].watch(done.set)
        assert done.wait(5)

    with Threads(set_it, wait, wait) as threads:
        for _ in range(ROUNDS):
            state.update(signal=Signal())
            threads.round()
