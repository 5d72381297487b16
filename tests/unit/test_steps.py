"""The driver of recipes, and the recipe that waits for a leader, under a fake clock."""

from __future__ import annotations

import pytest

from consul import exceptions
from consul.base import Consul
from consul.recipes.leader import PAUSE, wait_for_leader
from consul.request import Call
from consul.steps import Now, Sleep, drive, drive_directly


def test_errors_are_thrown_into_the_recipe():
    async def recipe():
        try:
            await Sleep(1)
        except OSError as error:
            return str(error)

    def perform(step):
        raise OSError("broken")

    assert drive_directly(recipe(), perform) == "broken"


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, OSError])
def test_finally_runs_with_further_steps(kind):
    done = []

    async def recipe():
        try:
            await Sleep(1)
        finally:
            done.append(await Now())

    def perform(step):
        if isinstance(step, Sleep):
            raise kind
        return 7.0

    with pytest.raises(kind):
        drive_directly(recipe(), perform)
    assert done == [7.0]


def test_what_is_not_a_step_is_refused():
    class Other:
        def __await__(self):
            yield "other"

    done = []

    async def recipe():
        try:
            await Other()
        finally:
            done.append(True)

    with pytest.raises(TypeError, match=r"recipe.*awaited 'other', which is not a step"):
        drive_directly(recipe(), lambda step: None)
    assert done == [True]


def test_closing_the_driver_closes_the_recipe():
    done = []

    async def recipe():
        try:
            await Sleep(1)
        finally:
            done.append(True)

    driver = drive(recipe(), lambda step: step)
    assert isinstance(driver.send(None), Sleep)
    driver.close()
    assert done == [True]


def test_values_go_back_and_none_is_a_result():
    async def recipe():
        return [await Now(), await Sleep(0)]

    driver = drive(recipe(), lambda step: step)
    assert isinstance(driver.send(None), Now)
    assert isinstance(driver.send(3), Sleep)
    with pytest.raises(StopIteration) as stop:
        driver.send(None)
    assert stop.value.value == [3, None]


class World:
    """A clock that only steps move, and answers given in turn: each a value or an error."""

    def __init__(self, *answers, takes=0.0):
        self.now, self.answers, self.takes = 1000.0, list(answers), takes
        self.deadlines = []

    def perform(self, step):
        if isinstance(step, Now):
            return self.now
        if isinstance(step, Sleep):
            assert step.seconds >= 0
            self.now += step.seconds
            return None
        assert isinstance(step, Call)
        self.deadlines.append(step.request.deadline)
        self.now += min(self.takes, step.request.deadline)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def wait(self, limit=None):
        return drive_directly(wait_for_leader(Consul(), limit), self.perform)


TRANSIENT = [
    exceptions.ConnectionFailed("refused"),
    exceptions.Timeout("late"),
    exceptions.RateLimited("429"),
    exceptions.ServerError("500"),
    exceptions.NoLeader("500"),
]


def test_a_leader_is_returned_at_once():
    world = World("10.0.0.1:8300")
    assert world.wait() == "10.0.0.1:8300"
    assert world.now == 1000.0


def test_trouble_counts_as_not_yet():
    world = World("", *TRANSIENT, "a:1")
    assert world.wait() == "a:1"
    assert world.now == pytest.approx(1000 + 6 * PAUSE)


@pytest.mark.parametrize("answer", ["", *TRANSIENT])
@pytest.mark.parametrize("takes", [0.0, 0.03, 0.97, 5.0])
def test_the_time_limit_is_exact(answer, takes):
    world = World(answer, takes=takes)
    with pytest.raises(exceptions.Timeout, match=r"no leader within 1 s") as caught:
        world.wait(1.0)
    assert world.now == pytest.approx(1001.0)
    assert caught.value.__cause__ is (answer or None)
    assert all(limit <= 1 for limit in world.deadlines)


@pytest.mark.parametrize(
    "error",
    [
        exceptions.TLSError("certificate"),
        exceptions.ACLPermissionDenied("denied"),
        exceptions.Redirected("301"),
        exceptions.BadAnswer("html"),
        KeyError("bug"),
    ],
)
def test_other_errors_end_it_at_once(error):
    world = World(error)
    with pytest.raises(type(error)) as caught:
        world.wait(10)
    assert caught.value is error
    assert (world.now, len(world.deadlines)) == (1000.0, 1)
