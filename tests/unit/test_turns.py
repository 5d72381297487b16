"""The limit of blocking queries: never more at once, first come, first served, nothing lost."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consul.base import Consul, HTTPClient
from consul.core import clock
from consul.core.request import Attempt
from consul.core.retry import Retry
from consul.core.settings import Settings
from consul.core.signal import NEVER, Signal
from consul.core.steps import Cancelled, Now, Wait, drive_directly
from consul.core.turns import Tokens, Turns
from consul.exceptions import NoLeader, ServerError, Timeout


class Taker:
    """One ``take``, performed by hand: it has a turn, waits for one, or is over."""

    def __init__(self, turns, seconds=None):
        self.turns, self.steps = turns, turns.take(seconds)
        self.has = None
        self.wait = None
        self._go(self.steps.send, None)

    def _go(self, resume, value):
        try:
            self.wait = resume(value)
            assert isinstance(self.wait, Wait)
        except StopIteration as stop:
            self.has, self.wait = stop.value, None
        except Cancelled:
            self.has, self.wait = False, None

    @property
    def told(self):
        return self.wait is not None and bool(self.wait.signal)

    def wake(self, outcome=None):
        """The flavour goes on with what it saw of the signal, which may be a while ago."""
        self._go(self.steps.send, self.told if outcome is None else outcome)

    def cancel(self):
        self._go(self.steps.throw, Cancelled())

    def give(self):
        assert self.has
        self.has = False
        self.turns.give()


def is_whole(turns, limit):
    """Whether all turns are free and nobody waits."""
    return len(turns._free) == limit and not turns._waiting


def test_as_many_as_the_limit_says_get_a_turn_at_once():
    turns = Turns(2)
    first, second, third = Taker(turns), Taker(turns), Taker(turns, 5)
    assert (first.has, second.has, third.has) == (True, True, None)
    assert (third.wait.seconds, third.told) == (5, False)
    first.give()
    assert third.told
    third.wake()
    assert third.has is True
    second.give()
    third.give()
    assert is_whole(turns, 2)


def test_first_come_first_served():
    turns = Turns(1)
    holder, *waiting = [Taker(turns) for _ in range(5)]
    for number, each in enumerate(waiting):
        holder.give()
        assert [other.told for other in waiting[number:]] == [True] + [False] * (3 - number)
        # Who comes now does not get in between, though the other has not gone on yet.
        late = Taker(turns, 0)
        assert late.has is None
        late.wake()
        each.wake()
        holder = each
    holder.give()
    assert is_whole(turns, 1)


def test_whoever_gives_up_leaves_the_queue():
    turns = Turns(1)
    holder, impatient, patient = [Taker(turns) for _ in range(3)]
    impatient.wake(False)
    assert (impatient.has, len(turns._waiting)) == (False, 1)
    holder.give()
    assert patient.told


@pytest.mark.parametrize("end", ["late", "cancelled"])
def test_a_turn_that_comes_too_late_goes_to_the_next(end):
    turns = Turns(1)
    holder, slow, following = [Taker(turns) for _ in range(3)]
    holder.give()
    assert (slow.told, following.told) == (True, False)
    if end == "late":
        # Its time was up before the signal was set, but it goes on only now.
        slow.wake(False)
    else:
        slow.cancel()
    assert (slow.has, following.told) == (False, True)
    following.wake()
    following.give()
    assert is_whole(turns, 1)


def test_a_cancelled_wait_leaves_the_queue():
    turns = Turns(1)
    holder, cancelled = Taker(turns), Taker(turns)
    cancelled.cancel()
    assert not turns._waiting
    holder.give()
    assert is_whole(turns, 1)


def test_steps_that_are_dropped_leave_the_queue():
    turns = Turns(1)
    holder, dropped, told = [Taker(turns) for _ in range(3)]
    dropped.steps.close()
    assert len(turns._waiting) == 1
    holder.give()
    # A turn was given away to it, and it is gone.
    assert told.told
    told.steps.close()
    assert is_whole(turns, 1)


def test_a_turn_that_is_given_back_while_somebody_comes_is_not_missed():
    """Another thread gives it back after the look for a free one, before the entry in the queue."""
    turns = Turns(1)
    holder = Taker(turns)

    class Queue(deque):
        def append(self, turn):
            holder.give()
            super().append(turn)

    turns._waiting = Queue()
    waiting = Taker(turns)
    assert waiting.told
    waiting.wake()
    waiting.give()
    assert is_whole(turns, 1)


@pytest.mark.parametrize("others", [0, 1])
def test_a_turn_for_somebody_who_leaves_meanwhile_is_not_lost(others):
    """Another thread's time is up after the look at the queue, before it is told."""
    turns = Turns(1)
    holder, leaving = Taker(turns), Taker(turns)

    class Queue(deque):
        def popleft(self):
            if leaving.wait is not None:
                leaving.wake(False)
            return super().popleft()

    turns._waiting = Queue(turns._waiting)
    rest = [Taker(turns) for _ in range(others)]
    holder.give()
    assert leaving.has is False
    for each in rest:
        assert each.told
        each.wake()
        each.give()
    assert is_whole(turns, 1)


def test_somebody_who_comes_while_a_turn_is_given_back_gets_it():
    """Another thread enters the queue after the turn was freed, before the look at the queue."""
    turns, late = Turns(1), []
    holder = Taker(turns)

    class Free(Tokens):
        def give(self):
            super().give()
            if not late:
                late.append(Taker(turns))

    turns._free = Free(0)
    holder.give()
    assert late[0].has is True
    late[0].give()
    assert is_whole(turns, 1)


@settings(max_examples=300)
@given(
    st.integers(1, 2),
    st.lists(
        st.tuples(st.sampled_from(["take", "give", "wake", "late", "cancel"]), st.integers(0, 3)),
        min_size=5,
        max_size=40,
    ),
)
def test_whatever_happens_nothing_is_lost_and_nobody_is_passed_over(limit, actions):
    turns, takers = Turns(limit), []

    def check():
        # A turn that was given away counts from then on.
        taken = [each for each in takers if each.has or each.told]
        waiting = [each for each in takers if each.wait is not None and not each.told]
        assert len(taken) + len(turns._free) == limit
        assert [each.wait.signal for each in waiting] == list(turns._waiting)
        assert not (waiting and turns._free)

    def act(action, number):
        if action == "take":
            free = bool(turns._free)
            takers.append(Taker(turns, 5))
            assert takers[-1].has is (True if free else None)
        elif action == "give":
            holders = [each for each in takers if each.has]
            if holders:
                ahead = [each for each in takers if each.wait is not None and not each.told]
                holders[number % len(holders)].give()
                assert [each for each in takers if each.told][-1:] == ahead[:1] or not ahead
                assert all(not each.told for each in ahead[1:])
        else:
            pending = [each for each in takers if each.wait is not None]
            if pending:
                each = pending[number % len(pending)]
                if action == "cancel":
                    each.cancel()
                    assert each.has is False
                else:
                    told = each.told and action == "wake"
                    each.wake(told)
                    assert each.has is told

    for action, number in actions:
        act(action, number)
        check()
    while any(each.has or each.wait is not None for each in takers):
        act("give", 0)
        act("wake", 0)
        check()
    assert is_whole(turns, limit)


# Threads


def perform(step):
    if isinstance(step, Now):
        return clock.now()
    done = threading.Event()
    step.signal.watch(done.set)
    try:
        done.wait(step.seconds)
    finally:
        step.signal.unwatch(done.set)
    return bool(step.signal)


@pytest.fixture
def _busy():
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_busy")
@pytest.mark.parametrize("limit", [1, 3])
@pytest.mark.parametrize("seconds", [None, 0.0001])
def test_many_threads_take_turns(limit, seconds):
    turns, inside, most, outcomes, failures = Turns(limit), [], [], [], []

    def work(seed):
        chance = random.Random(seed)
        try:
            for _ in range(60):
                taken = drive_directly(turns.take(seconds), perform)
                outcomes.append(taken)
                if taken:
                    inside.append(None)
                    most.append(len(inside))
                    if chance.random() < 0.2:
                        time.sleep(1e-5)
                    inside.pop()
                    turns.give()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive(), "a turn was lost"
    assert failures == []
    assert max(most) <= limit
    assert len(outcomes) == 6 * 60
    assert seconds is not None or all(outcomes)
    assert is_whole(turns, limit)


@pytest.mark.usefixtures("_busy")
def test_threads_that_are_cancelled_lose_no_turn():
    """A cancellation comes at any time, also when the turn was given away a moment ago."""
    turns, failures = Turns(1), []

    def work(seed):
        chance = random.Random(seed)

        def perform(step):
            if isinstance(step, Now):
                return clock.now()
            stop = Signal()
            done = threading.Event()
            for signal in (step.signal, stop):
                signal.watch(done.set)
            if chance.random() < 0.5:
                stop.set()
            done.wait()
            if stop:
                raise Cancelled
            return True

        try:
            for _ in range(100):
                try:
                    drive_directly(turns.take(None), perform)
                except Cancelled:
                    continue
                turns.give()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive(), "a turn was lost"
    assert failures == []
    assert is_whole(turns, 1)


# The client


class World:
    """A clock that only steps move; each attempt takes *takes* seconds and has the next outcome."""

    def __init__(self, http, *outcomes, takes=1.0):
        self.http, self.outcomes, self.takes = http, list(outcomes), takes
        self.now, self.limits, self.free, self.waits = 1000.0, [], [], []

    def __call__(self, step):
        if isinstance(step, Now):
            return self.now
        if isinstance(step, Wait):
            self.waits.append(step.seconds)
            self.free.append(len(self.http._turns._free))
            self.now += 5.0
            if step.signal not in (NEVER, self.http._ended):
                # Whoever has the turn gives it back meanwhile.
                self.http._turns.give()
            return bool(step.signal)
        assert isinstance(step, Attempt)
        self.limits.append(step.call.request.deadline)
        self.free.append(len(self.http._turns._free))
        self.now += self.takes
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome


def polling(*outcomes, taken=False, retry=None):
    """A client that may have one blocking query open, which *taken* says that it has."""
    http = HTTPClient(Settings(max_polls=1, retry=retry))
    world = World(http, *outcomes)
    assert not taken or Taker(http._turns).has
    return http, world


QUERY = Consul().kv.get("x", index=5, wait="16s")
DEADLINE = QUERY.request.deadline


def test_a_blocking_query_has_a_turn_while_it_is_open():
    http, world = polling("answer")
    assert not http._is_plain(QUERY)
    assert drive_directly(http._sending(QUERY), world) == "answer"
    assert (world.free, world.limits, world.waits) == ([0], [DEADLINE], [])
    assert is_whole(http._turns, 1)


def test_the_time_until_its_turn_counts():
    http, world = polling("answer", taken=True)
    assert drive_directly(http._sending(QUERY), world) == "answer"
    assert (world.waits, world.limits) == ([DEADLINE], [DEADLINE - 5.0])
    assert is_whole(http._turns, 1)


def test_a_query_that_gets_no_turn_in_time_is_a_timeout():
    http, world = polling(taken=True)
    world.http._turns.give = lambda: None
    with pytest.raises(Timeout, match=rf"^GET http://\S+/v1/kv/x: no turn in {DEADLINE:g} s"):
        drive_directly(http._sending(QUERY), world)
    assert (world.limits, len(http._turns._waiting)) == ([], 0)


@pytest.mark.parametrize("error", [ServerError("500"), KeyError("bug"), KeyboardInterrupt()])
def test_a_query_that_fails_gives_its_turn_back(error):
    http, world = polling(error)
    with pytest.raises(type(error)):
        drive_directly(http._sending(QUERY), world)
    assert is_whole(http._turns, 1)


def test_a_pause_before_a_repeat_takes_no_turn():
    http, world = polling(NoLeader("500"), "answer", retry=Retry())
    assert drive_directly(http._sending(QUERY), world) == "answer"
    # While the first is open, in the pause, and while the second is, which waits for no change.
    assert world.free == [0, 1, 1]
    assert is_whole(http._turns, 1)


def test_other_calls_need_no_turn():
    http, world = polling("answer", taken=True)
    call = Consul().kv.get("x")
    assert http._is_plain(call)
    assert drive_directly(http._sending(call), world) == "answer"
    assert world.waits == []


def test_without_a_limit_there_are_no_turns():
    http = HTTPClient(Settings())
    assert (http._turns, http._is_plain(QUERY)) == (None, True)
