"""Which calls are repeated, when, and for how long, under a fake clock."""

from __future__ import annotations

import pytest

from consul import base, exceptions
from consul.base import Consul
from consul.core import answers
from consul.core.limits import Limits
from consul.core.request import Attempt, Call, Request, Response
from consul.core.retry import Retry, repeating
from consul.core.settings import Settings
from consul.core.steps import Invoke, Now, Wait, drive_directly
from consul.exceptions import (
    BadAnswer,
    BadRequest,
    ClientError,
    ConnectionFailed,
    ConsulException,
    NoLeader,
    NotFound,
    RateLimited,
    Redirected,
    ServerError,
    Timeout,
    TLSError,
)

READ = Consul().kv.get("x")
WRITE = Consul().kv.put("x", "v")
ONCE = Consul().kv.put("x", "v", cas=1)


def failure(kind, **fields):
    error = kind("trouble")
    for name, value in fields.items():
        setattr(error, name, value)
    return error


DROPPED = failure(ConnectionFailed)
REFUSED = failure(ConnectionFailed, sent=False)
LIMITED = failure(RateLimited, status=429, body="")
UNAVAILABLE = failure(RateLimited, status=503, body="upstream connect error")
OVERLOADED = failure(RateLimited, status=503, body="rate limit exceeded, try again later")
LEADERLESS = failure(NoLeader, status=500, body="No cluster leader")


# The policy


@pytest.mark.parametrize(
    ("error", "repeatable", "once"),
    [
        (DROPPED, True, False),
        (REFUSED, False, False),
        (LEADERLESS, True, False),
        (LIMITED, True, True),
        (OVERLOADED, True, True),
        (UNAVAILABLE, True, False),
        (failure(RateLimited, status=503, body=None), True, False),
        (failure(TLSError), False, False),
        (failure(TLSError, sent=False), False, False),
        (failure(Timeout), False, False),
        (failure(ServerError, status=500, body=""), False, False),
        (failure(BadAnswer), False, False),
        (failure(BadRequest, status=400), False, False),
        (failure(NotFound, status=404), False, False),
        (failure(ClientError, status=409), False, False),
        (failure(Redirected, status=301), False, False),
        (failure(ConsulException), False, False),
    ],
)
def test_which_errors_of_which_requests_are_repeated(error, repeatable, once):
    retry = Retry()
    assert (retry.repeats(READ, error), retry.repeats(WRITE, error)) == (repeatable, repeatable)
    assert retry.repeats(ONCE, error) is once


@pytest.mark.parametrize("call", [READ, WRITE, ONCE])
@pytest.mark.parametrize("error", [REFUSED, DROPPED, failure(TLSError, sent=False)])
def test_connect_sits_out_a_restart(call, error):
    repeated = Retry(connect=True).repeats(call, error)
    assert repeated is (error is REFUSED or (error is DROPPED and call is not ONCE))


@pytest.mark.parametrize(
    "call",
    [
        Consul().kv.put("x", "v", cas=0),
        Consul().kv.put("x", "v", acquire="s"),
        Consul().kv.put("x", "v", release="s"),
        Consul().kv.delete("x", cas=1),
        Consul().session.create(),
        Consul().event.fire("x"),
        Consul().query.create("web"),
        Consul().txn.put([]),
        Consul().acl.create(),
    ],
)
def test_what_may_have_been_done_is_never_done_twice(call):
    for retry in (Retry(), Retry(connect=True)):
        for error in (DROPPED, LEADERLESS, UNAVAILABLE, failure(Timeout)):
            assert not retry.repeats(call, error)
        for error in (LIMITED, OVERLOADED):
            assert retry.repeats(call, error)


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_pauses_double_up_to_the_longest(chance):
    retry = Retry(first=0.1, longest=1.0)
    pauses = [retry.pause(repeat, LEADERLESS, chance) for repeat in range(6)]
    expected = [part * (0.5 + chance / 2) for part in (0.1, 0.2, 0.4, 0.8, 1.0, 1.0)]
    assert pauses == pytest.approx(expected)


@pytest.mark.parametrize("repeat", [60, 1100, 10**6, 10**30])
def test_any_number_of_repeats(repeat):
    assert Retry(longest=2.0).pause(repeat, LEADERLESS, 1.0) == 2.0
    assert Retry(first=1e-9, longest=2.0).pause(repeat, LEADERLESS, 0.0) == 1.0


def test_the_first_pause_may_be_above_the_longest():
    assert Retry(first=5, longest=2).pause(0, LEADERLESS, 1.0) == 2


@pytest.mark.parametrize(
    ("error", "pauses"),
    [
        (DROPPED, [0.0, 0.2]),
        (REFUSED, [0.1, 0.2]),
        (LIMITED, [0.1, 0.2]),
        (failure(RateLimited, retry_after=0.15), [0.15, 0.2]),
        (failure(RateLimited, retry_after=0), [0.1, 0.2]),
        (failure(RateLimited, retry_after=float("inf")), [float("inf")] * 2),
    ],
)
def test_pauses_by_error(error, pauses):
    retry = Retry(first=0.1)
    assert [retry.pause(repeat, error, 1.0) for repeat in (0, 1)] == pauses


@pytest.mark.parametrize("name", ["limit", "first", "longest"])
@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (0, ValueError),
        (-1, ValueError),
        (float("nan"), ValueError),
        (float("inf"), ValueError),
        (True, TypeError),
        ("5", TypeError),
        (None, TypeError),
    ],
)
def test_what_is_no_policy_is_named(name, value, kind):
    with pytest.raises(kind, match=rf"^{name} must be"):
        Retry(**{name: value})


def test_a_policy_shows_itself():
    assert repr(Retry()) == "Retry(connect=False, first=0.05, limit=10.0, longest=2.0)"
    expected = "Retry(connect=True, first=0.05, limit=5, longest=2.0)"
    assert repr(Retry(5, connect=True)) == expected


# The steps


class World:
    """A clock that only steps move; each attempt takes *takes* and has the next of the outcomes."""

    def __init__(self, *outcomes, takes=0.0):
        self.now, self.outcomes, self.takes = 1000.0, list(outcomes), takes
        self.calls, self.pauses = [], []

    def perform(self, step):
        if isinstance(step, Now):
            return self.now
        if isinstance(step, Wait):
            assert not step.signal
            assert step.seconds > 0
            self.pauses.append(step.seconds)
            self.now += step.seconds
            return False
        if isinstance(step, Invoke):
            return step.function(*step.args)
        assert isinstance(step, Attempt)
        return self.attempt(step.call)

    def attempt(self, call):
        request = call.request
        self.calls.append(call)
        late = request.deadline is not None and self.takes >= request.deadline
        self.now += request.deadline if late else self.takes
        if late:
            raise call.located(Timeout("no answer in time"))
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, BaseException):
            raise outcome
        return call.read(outcome) if isinstance(outcome, Response) else outcome

    def run(self, call, retry, error=LEADERLESS, chance=1.0, failed_after=0.0):
        began = self.now
        self.now += failed_after
        steps = repeating(call, retry, error, began, Attempt, lambda: chance)
        return drive_directly(steps, self.perform)


def called(call=READ, **changes):
    return Call(call.request._replace(**changes), answers.value, call.route)


def test_the_answer_of_a_repeat_is_the_answer():
    world = World(LEADERLESS, LEADERLESS, "answer")
    assert world.run(called(), Retry(first=0.1)) == "answer"
    assert world.pauses == pytest.approx([0.1, 0.2, 0.4])
    assert len(world.calls) == 3


def test_a_dropped_connection_is_tried_again_at_once():
    world = World(DROPPED, "answer")
    assert world.run(called(), Retry(first=0.1), DROPPED) == "answer"
    # At once for the first time only.
    assert world.pauses == pytest.approx([0.2])


@pytest.mark.parametrize("takes", [0.0, 0.3, 2.0])
@pytest.mark.parametrize("deadline", [None, 60.0])
def test_the_policys_time_starts_with_the_failure(takes, deadline):
    world = World(LEADERLESS, takes=takes)
    with pytest.raises(NoLeader):
        world.run(called(deadline=deadline), Retry(5, first=0.5, longest=0.5), failed_after=20.0)
    # Never begun after the limit; the last may end after it.
    assert 1020 + 5 - 0.5 <= world.now <= 1020 + 5 + takes
    assert len(world.calls) > 1


@pytest.mark.parametrize("takes", [0.0, 0.3, 7.0])
def test_the_calls_own_deadline_is_respected(takes):
    world = World(LEADERLESS, takes=takes)
    with pytest.raises((NoLeader, Timeout)):
        world.run(called(deadline=4.0), Retry(100, first=0.5, longest=0.5), failed_after=1.0)
    assert world.now <= 1004.0 + 1e-6
    assert len(world.calls) >= 1


def test_each_repeat_has_the_time_that_is_left():
    world = World(LEADERLESS, LEADERLESS, "answer", takes=1.0)
    world.run(called(deadline=20.0, connect=18.0), Retry(100, first=1, longest=1), failed_after=1)
    left = [(call.request.deadline, call.request.connect) for call in world.calls]
    assert left == [(18.0, 18.0), (16.0, 16.0), (14.0, 14.0)]


def test_a_blocking_query_is_repeated_as_a_plain_read():
    query = Consul().kv.get("x", index=5, wait="32s", dc="dc1")
    assert query.request.deadline == 44
    world = World(LEADERLESS, "answer", takes=15.0)
    world.run(query, Retry(100, first=1, longest=1), failed_after=1)
    # The index may have fallen meanwhile, so there is nothing to wait for.
    assert [call.request.params for call in world.calls] == [(("dc", "dc1"),)] * 2
    assert [call.request.hold for call in world.calls] == [None, None]
    assert [call.request.deadline for call in world.calls] == [42, 26]
    assert query.request.params == (("index", "5"), ("wait", "32s"), ("dc", "dc1"))


@pytest.mark.parametrize("failed_after", [1.0, 61.0, 299.0])
def test_a_blocking_query_that_was_held_long_has_time_for_its_repeat(failed_after):
    query = Consul().kv.get("x", index=5)
    world = World("answer", takes=0.5)
    assert world.run(query, Retry(), DROPPED, failed_after=failed_after) == "answer"
    assert world.calls[0].request.deadline == pytest.approx(min(60, 328.75 - failed_after))


@pytest.mark.parametrize("takes", [0.2, 7.0])
def test_a_repeat_that_is_cut_short_does_not_hide_what_was_wrong(takes):
    world = World(LEADERLESS, takes=takes)
    with pytest.raises(NoLeader) as caught:
        world.run(called(deadline=4.0), Retry(100), LEADERLESS, failed_after=3.0)
    assert caught.value is LEADERLESS
    # A repeat that had most of the time says what happened in it.
    world = World(LEADERLESS, takes=7.0)
    with pytest.raises(Timeout):
        world.run(called(deadline=4.0), Retry(100), LEADERLESS, failed_after=0.5)


def test_a_repeat_that_is_cut_short_may_have_been_done():
    refused = failure(ConnectionFailed, sent=False)
    world = World("answer", takes=7.0)
    with pytest.raises(ConnectionFailed) as caught:
        world.run(called(deadline=4.0), Retry(100, connect=True), refused, failed_after=3.0)
    assert caught.value is refused
    assert caught.value.sent


def test_no_deadline_stays_none():
    world = World("answer")
    call = called(deadline=None)
    world.run(call, Retry())
    assert world.calls == [call]


def test_the_last_error_is_raised():
    refused, timeout = failure(ConnectionFailed, sent=False), failure(Timeout)
    for last in (refused, timeout, failure(NotFound), KeyError("bug")):
        world = World(LEADERLESS, last)
        with pytest.raises(type(last)) as caught:
            world.run(called(), Retry())
        assert caught.value is last
        assert len(world.calls) == 2


@pytest.mark.parametrize("retry_after", [10.0, 11.0, float("inf")])
def test_without_time_for_a_pause_the_first_error_is_raised_at_once(retry_after):
    world = World("answer")
    later = failure(RateLimited, status=429, body="", retry_after=retry_after)
    with pytest.raises(RateLimited) as caught:
        world.run(called(), Retry(10), later)
    assert (caught.value, world.calls, world.now) == (later, [], 1000.0)


def test_a_server_that_asks_for_patience_gets_it():
    world = World("answer")
    later = failure(RateLimited, status=429, body="", retry_after=3.0)
    assert world.run(called(ONCE), Retry(10), later) == "answer"
    assert world.pauses == [3.0]


@pytest.mark.parametrize("error", [DROPPED, LEADERLESS, UNAVAILABLE])
def test_a_conditional_write_is_not_attempted_again(error):
    world = World("answer")
    with pytest.raises(type(error)) as caught:
        world.run(called(ONCE), Retry(), error)
    assert caught.value is error
    assert world.calls == []


def test_a_conditional_write_stops_where_it_may_have_been_done():
    dropped = failure(ConnectionFailed)
    world = World(dropped, True)
    with pytest.raises(ConnectionFailed) as caught:
        world.run(called(ONCE), Retry(), LIMITED)
    assert caught.value is dropped
    assert len(world.calls) == 1


def test_chance_is_taken_anew_for_each_pause():
    chances = iter([0.0, 1.0, 0.5])
    world = World(LEADERLESS, LEADERLESS, "answer")
    steps = repeating(
        called(), Retry(first=1, longest=1), LEADERLESS, 1000.0, Attempt, lambda: next(chances)
    )
    assert drive_directly(steps, world.perform) == "answer"
    assert world.pauses == [0.5, 1.0, 0.75]


def test_chance_has_a_default():
    world = World("answer")
    steps = repeating(called(), Retry(first=1, longest=1), LEADERLESS, 1000.0, Attempt)
    assert drive_directly(steps, world.perform) == "answer"
    assert 0.5 <= world.pauses[0] <= 1.0


# The client


def test_a_client_repeats_as_its_policy_says():
    call = called()
    assert base.HTTPClient()._repeats(call, LEADERLESS)
    assert not base.HTTPClient(Settings(retry=None))._repeats(call, LEADERLESS)
    patient = base.HTTPClient(Settings(retry=Retry(connect=True)))
    assert patient._repeats(called(ONCE), REFUSED)
    assert not base.HTTPClient()._repeats(called(ONCE), REFUSED)


@pytest.mark.parametrize("hooks", [(), (lambda exchange: None,)])
def test_a_watched_call_is_repeated_alike(hooks):
    http = base.HTTPClient(Settings(retry=Retry(first=1, longest=1), on_request=hooks))
    world = World(LEADERLESS, DROPPED, Response(200, {}, b'"answer"'))
    call = Call(Request("GET", "/", deadline=60.0), answers.value)
    assert drive_directly(http._sending(call), world.perform) == "answer"
    assert len(world.calls) == 3
    assert world.calls[2].request.deadline < 60.0
    world = World(failure(Timeout), "answer")
    with pytest.raises(Timeout):
        drive_directly(http._sending(call), world.perform)
    assert len(world.calls) == 1


def test_limits_of_a_client_bound_its_repeats():
    world = World(LEADERLESS)
    call = Consul(timeout=3).kv.get("x")
    assert call.request.deadline == Limits.of(3).read
    with pytest.raises(exceptions.NoLeader):
        world.run(call, Retry(first=1, longest=1))
    assert world.now <= 1003.0


@pytest.mark.parametrize("where", ["on_request", "on_response"])
def test_what_a_hook_raises_is_no_reason_to_repeat(where):
    calls = []

    def hook(exchange):
        calls.append(exchange)
        raise exceptions.NoLeader("of the hook's own client")

    http = base.HTTPClient(Settings(retry=Retry(), **{where: (hook,)}))
    world = World(Response(200, {}, b'"answer"'))
    with pytest.raises(exceptions.NoLeader):
        drive_directly(http._sending(called()), world.perform)
    assert len(calls) == 1
