"""What a read answers, now and whenever it changes: as items, and as a value."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from consul.core.answers import Indexed, index_of
from consul.core.flavour import F, recipe
from consul.core.request import Once
from consul.core.signal import Changes, Signal
from consul.core.steps import Certain, Now, Wait, wait_any
from consul.core.turns import Tokens
from consul.core.values import flag, limited, time_limit
from consul.exceptions import Closed, ConsulException, NotReady, Timeout
from consul.recipes.items import End, Items, or_none
from consul.recipes.managed import Managed
from consul.recipes.polls import (
    A_SECOND,
    BURST,
    KNOCK,
    News,
    Poll,
    Polls,
    Read,
    calling,
    content,
    hearing,
    lasting,
    log,
)

if TYPE_CHECKING:
    from consul.core.request import Duration
    from consul.core.steps import Steps, Task

T = TypeVar("T")

#: What is called with what went wrong.
OnError = Callable[[ConsulException], object]


def _rate(given: Any) -> tuple[float, float]:
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise TypeError(f"rate must be (burst, per second): {given!r}")
    burst, a_second = (limited("rate", part, "(burst, per second)") for part in given)
    if burst < 1:
        raise ValueError(f"rate must have a burst of 1 at least: {given!r}")
    return float(burst), float(a_second)


class Follower:
    """Follows the newest answer of one read.  Those who ask for the same share their queries."""

    def __init__(self, client: Any, read: Read, own: dict[str, Any]) -> None:
        give_up, rate, on_error = own.get("give_up"), own.get("rate"), own.get("on_error")
        self._give_up = time_limit("give_up", give_up)
        self._rate = (BURST, A_SECOND) if rate is None else _rate(rate)
        if on_error is not None and not callable(on_error):
            raise TypeError(f"on_error must be callable: {on_error!r}")
        if not hasattr(client.http, "shared"):
            raise TypeError(f"nothing can be watched with {client!r}")
        self._http, self.read, self._on_error = client.http, read, on_error
        # Those of this process: a forked one has none of the threads.
        self._polls = Polls.of(self._http)
        #: Stands for this one in the poll, which must not keep it alive.
        self._user = object()
        #: None until it is begun.
        self.poll: Poll | None = None
        #: Which news of which poll were handed out last.
        self._seen: tuple[Poll, int] | None = None
        #: What was handed out last, where it did not come from the present poll: its index, the
        #: history that the index belongs to, and the answer.
        self._own: tuple[int | None, int | None, Any] | None = None
        self._last: Any = None
        #: Set to have `next` look again.
        self._nudge = Signal()
        self.closed = False

    def join(self) -> Poll:
        """The poll, which is begun, or begun anew."""
        if self._http.shared.get(Polls) is not self._polls:
            raise Closed(f"the watch of {self.read!r} belongs to the process that was forked")
        poll = self.poll
        if poll is None or (poll.over and poll.failure is None):
            poll = self.poll = self._polls.join(
                self._http, self.read, self._rate, self._user, self._on_error
            )
            if self._seen is not None:
                self._own = None, None, self._last
        return poll

    def leave(self) -> Task[None] | None:
        """Follow it no more; the task that ends with the last follower."""
        self.closed = True
        self._nudge.set()
        return None if self.poll is None else self.poll.leave(self._user)

    @property
    def error(self) -> BaseException | None:
        """What is wrong at present; None while all is well."""
        poll = self.poll
        return None if poll is None else poll.failure or poll.error

    @property
    def age(self) -> float | None:
        """Seconds since the agent gave an answer; None before the first one."""
        heard = None if self.poll is None else self.poll.heard_at
        return None if heard is None else max(0.0, self._http.now() - heard)

    def __del__(self) -> None:
        # Where it could not even be made, there is no poll.
        if getattr(self, "poll", None) is not None:
            self.leave()

    async def next(self, limit: float | None = None) -> Any:
        """The steps to the present answer, then to each other one; `End` when it is closed.

        Raises Timeout after *limit* seconds.
        """
        end = None if limit is None else await Now() + limit
        poll = None if self.closed else self.join()
        if poll is not None and self._seen is None and poll.news is not None:
            # What others were told may be old by now: the present state is wanted.
            confirmed_here = await self._confirm(poll, end, limit)
            if confirmed_here:
                return self._last
        while not self.closed:
            poll = self.join()
            changed = poll.changes.next
            news = poll.news
            if news is not None and poll.error is None and self._is_new(poll, news):
                return self._last
            if poll.failure is not None:
                raise poll.failure
            await self._wait(poll, changed, end, limit)
        raise End

    def _hand_out(self, poll: Poll, number: int, answer: Any) -> bool:
        self._seen, self._last = (poll, number), answer
        return True

    async def _confirm(self, poll: Poll, end: float | None, limit: float | None) -> bool:
        """Ask for the present state; whether it is handed out, as the poll does not know it."""
        heard_at = poll.heard_at
        while poll.heard_at == heard_at and not (self.closed or poll.over):
            changed, before = poll.changes.next, poll.news
            try:
                heard = await Once(hearing(self.read.first))
            except ConsulException as error:
                if lasting(error, answered=False):
                    raise
                await self._wait(poll, changed, end, limit, KNOCK)
                continue
            news, index = poll.news, index_of(heard.headers)
            if news is None or before is None or news.body == heard.body:
                return False
            if self.read.unordered or self.read.hashed:
                newer = news is not before
            else:
                newer = (news.at or 0) > (index or 0)
            if newer:
                return False
            self._own = index, news.history, heard.answer
            return self._hand_out(poll, news.number, heard.answer)
        return False

    def _is_new(self, poll: Poll, news: News) -> bool:
        """Whether *news* are to be handed out."""
        if self._seen == (poll, news.number):
            return False
        if self._own is not None:
            index, history, answer = self._own
            ordered = not (self.read.unordered or self.read.hashed)
            if ordered and history == news.history and (news.at or 0) < (index or 0):
                # The poll is behind what was handed out.
                return False
            self._own = None
            if content(answer) == content(news.answer):
                self._seen = poll, news.number
                return False
        return self._hand_out(poll, news.number, news.answer)

    async def _wait(
        self,
        poll: Poll,
        changed: Signal,
        end: float | None,
        limit: float | None,
        pause: float | None = None,
    ) -> None:
        """Wait until there is something to look at, for *pause* seconds at most.

        Raises Timeout at *end*, and what is wrong where it has been wrong for too long.
        """
        now = await Now()
        ends = [] if pause is None else [now + pause]
        if end is not None:
            if now >= end:
                raise Timeout(f"no change of {self.read!r} within {limit:g} s") from poll.error
            ends.append(end)
        error = poll.error
        if self._give_up is not None and error is not None:
            if now >= poll.error_since + self._give_up:
                log.error("the watch of %r is given up: %s", self.read, error)
                raise error
            ends.append(poll.error_since + self._give_up)
        left = max(0.0, min(ends) - now) if ends else None
        await wait_any((changed, self._nudge), left)


class Watch(Items[T, F], Generic[T, F]):
    """The answers of a read: the present one, then each that differs from the one before it.

    Nothing is sent before the first is asked for.  From then on it goes on in the background, and
    keeps the newest answer: who is slow misses those in between.  Answers are shared with other
    watches of the same, so they must not be changed.
    """

    def __init__(self, client: Any, read: Read, *, skip_first: bool = False, **own: Any) -> None:
        super().__init__(client)
        self._follower = Follower(client, read, own)
        self._skip = flag("skip_first", skip_first)
        self._busy = False

    async def _next(self) -> T:
        try:
            return await self._within(None)
        except BaseException as error:
            if not isinstance(error, Exception):
                # A loop that is cancelled does not come back.
                self._follower.leave()
            raise

    async def _within(self, limit: float | None) -> T:
        if self._busy:
            raise RuntimeError("the item before this one is still waited for")
        self._busy = True
        try:
            if self._skip:
                end = None if limit is None else await Now() + limit
                await self._follower.next(limit)
                self._skip = False
                if end is not None:
                    limit = max(0.0, end - await Now())
            item: T = await self._follower.next(limit)
        finally:
            self._busy = False
        return item

    # With a time limit, which the base has not.
    @recipe
    def next(  # pyright: ignore[reportIncompatibleVariableOverride]
        self, timeout: Duration | None = None
    ) -> Steps[T | None]:
        """The present answer the first time, then the next one that differs; None when closed.

        Raises `consul.Timeout` where there is none within *timeout* (seconds, "10s" or a
        timedelta), and what the read has failed with, where asking again does not mend it.
        """
        return or_none(partial(self._within, time_limit("timeout", timeout)))

    async def _close(self) -> None:
        task = self._follower.leave()
        if task is not None:
            await Wait(task.done)

    @property
    def error(self) -> BaseException | None:
        """What is wrong at present; None while all is well."""
        return self._follower.error

    @property
    def last_contact(self) -> datetime | None:
        """When the agent last gave an answer, in UTC; None before the first one."""
        age = self._follower.age
        return None if age is None else datetime.now(UTC) - timedelta(seconds=age)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._follower.read!r}>"


class Watched(Managed[F], Generic[T, F]):
    """What a read answers, kept up to date in the background from the first use on.

    *value* and what else does no I/O raises `consul.NotReady` before the first answer; `wait` waits
    for it.  The last good value stays while the agent is away.
    """

    def __init__(self, client: Any, read: Read, **own: Any) -> None:
        super().__init__(client)
        self._follower = Follower(client, read, own)
        self._task: Task[None] | None = None
        self._to_begin = Tokens()
        self._callbacks: list[Callable[[T], object]] = []
        #: The last answer, in a tuple; empty before the first.
        self._answer: tuple[Any, ...] = ()
        #: Tells that there is something else to look at.
        self.changes = Changes()
        self._failure: BaseException | None = None

    def begin(self) -> None:
        """Begin, unless it has begun."""
        follower = self._follower
        if follower.closed and self._task is None:
            raise Closed(f"{self!r} is closed")
        if self._task is not None and self._task.done:
            return
        # Raises where the process was forked.
        follower.join()
        if not self._to_begin.take():
            return
        # Not this object, which its task must not keep alive.
        self._task = self._client.http.spawn(_following(follower, weakref.ref(self)))

    def _take(self, answer: Any) -> list[Callable[[T], object]]:
        """Take the next *answer*; those who are to be told."""
        self._answer = (answer,)
        self.changes.tell()
        return list(self._callbacks)

    def _fail(self, error: BaseException) -> None:
        self._failure = error
        self.changes.tell()

    def _latest(self) -> Any:
        self.begin()
        if not self._answer:
            if self._failure is not None:
                raise self._failure
            raise NotReady(f"{self!r} has no answer yet") from self.error
        return self._answer[0]

    @property
    def ready(self) -> bool:
        """Whether there was an answer."""
        return bool(self._answer)

    @property
    def value(self) -> T:
        """The newest value: what the read answers, less its index."""
        return content(self._latest())  # type: ignore[no-any-return]

    @property
    def index(self) -> int | None:
        """The index that came with the value; None where the read has none."""
        answer = self._latest()
        return answer.index if isinstance(answer, Indexed) else None

    @property
    def age(self) -> float:
        """Seconds since the agent gave an answer, this one or the same again."""
        self._latest()
        return self._follower.age or 0.0

    @property
    def error(self) -> BaseException | None:
        """What is wrong at present; None while all is well."""
        return self._failure or self._follower.error

    @recipe
    def wait(self, timeout: Duration | None = None) -> Steps[T]:
        """Wait for the first answer; the value.

        Raises `consul.Timeout` where there is none within *timeout* (seconds, "10s" or a
        timedelta), and what the read has failed with, where asking again does not mend it.
        """
        return self._until(lambda value: True, time_limit("timeout", timeout))

    @recipe
    def wait_until(
        self, predicate: Callable[[T], object], timeout: Duration | None = None
    ) -> Steps[T]:
        """Wait until *predicate* is true of the value; that value.

        Raises like `wait`, and what *predicate* raises.
        """
        return self._until(predicate, time_limit("timeout", timeout))

    async def _until(self, predicate: Callable[[T], object], limit: float | None) -> T:
        end = None if limit is None else await Now() + limit
        self.begin()
        while True:
            changed = self.changes.next
            if self._answer:
                value: T = content(self._answer[0])
                if predicate(value):
                    return value
            if self._failure is not None:
                raise self._failure
            left = None if end is None else end - await Now()
            if left is not None and left <= 0:
                raise Timeout(f"not within {limit:g} s: {self!r}") from self.error
            await Wait(changed, left)

    def on_change(self, callback: Callable[[T], object]) -> Callable[[], None]:
        """Have *callback* called with each value that differs from the one before it.

        It is called in the background, one call after another; where the value changes while it
        runs, the next call has the newest one.  What it raises is logged.  Returns a function that
        takes it off again.
        """
        if not callable(callback):
            raise TypeError(f"callback must be callable: {callback!r}")
        self._callbacks.append(callback)
        self.begin()

        def remove() -> None:
            with suppress(ValueError):
                self._callbacks.remove(callback)

        return remove

    @recipe
    def close(self) -> Steps[None]:
        """End it; the value stays.  Leaving the block does it as well."""
        return Certain(self._close)

    async def _enter(self) -> None:
        self.begin()

    async def _leave(self, error: BaseException | None) -> None:
        await self._close()

    async def _close(self) -> None:
        poll_task, task = self._follower.leave(), self._task
        self._fail(Closed(f"{self!r} is closed"))
        if task is not None:
            task.cancel()
            await Wait(task.done)
        if poll_task is not None:
            await Wait(poll_task.done)

    def __del__(self) -> None:
        follower = getattr(self, "_follower", None)
        if follower is not None:
            # It ends the task, which refers to it.
            follower.leave()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._follower.read!r}>"


async def _following(follower: Follower, watched: weakref.ref[Watched[Any, Any]]) -> None:
    """The steps that keep the value of *watched* up to date, as long as it is there."""
    try:
        while True:
            answer = await follower.next()
            keeper = watched()
            callbacks = () if keeper is None else keeper._take(answer)
            del keeper
            for callback in callbacks:
                await calling("on_change", callback, content(answer))
    except End:
        pass
    except Exception as error:
        keeper = watched()
        if keeper is not None:
            keeper._fail(error)
