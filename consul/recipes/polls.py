"""Blocking queries one after another, for all watches of a client that ask for the same.

`Poll` asks, and keeps the newest answer.  `Position` knows what to ask for next, `Rate` and `Door`
how soon.  No other module of the recipes knows Consul's rules of blocking queries.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from consul.core.answers import Indexed, index_of
from consul.core.request import Call, Once, Response
from consul.core.retry import backoff
from consul.core.signal import Changes, Signal
from consul.core.steps import Invoke, Now, Spawn, Wait, sleep
from consul.core.turns import Tokens
from consul.exceptions import (
    ACLDisabled,
    ACLPermissionDenied,
    BadRequest,
    Closed,
    ConnectionFailed,
    ConsulException,
    NoLeader,
    NotFound,
    TLSError,
    Unsupported,
)

if TYPE_CHECKING:
    from consul.core.client import HTTPClient
    from consul.core.steps import Task

log = logging.getLogger("consul.recipes")

#: Queries that may follow each other at once, and how many a second from then on.
BURST, A_SECOND = 20.0, 2.0
#: Seconds between two attempts while the agent is away or the cluster has no leader.
KNOCK = 0.5
#: Seconds before the first repeat after another failure, the longest ones, and those for an object
#: that does not exist.
FIRST, LONGEST, ABSENT = 0.5, 30.0, 2.0
#: Seconds for which a token that was good is not believed to be unknown: without a leader the
#: servers know none.
UNKNOWN_TOKEN = 30.0
#: What servers say of a good token while they have no leader.
LEADERLESS_TOKEN = ("ACL not found", "must be bootstrapped")
#: What older servers say, with 500, of a request that is wrong.
WRONG_FILTER = "Failed to create boolean expression"
#: The part of its wait after which an answer without news has surely waited.
WAITED = 0.9


class Read:
    """A read of the library with its arguments, as a call that can be made from any position.

    *read* is a method of a noun of *client*, like ``client.kv.get``.
    """

    def __init__(
        self, client: Any, read: Any, args: tuple[Any, ...], options: Mapping[str, Any]
    ) -> None:
        while isinstance(read, partial):
            args, options = (*read.args, *args), {**read.keywords, **options}
            read = read.func
        noun: Any = getattr(read, "__self__", None)
        describe = getattr(read, "__func__", None)
        if describe is None or not hasattr(noun, "_described"):
            raise TypeError(f"read must be a method of the client, like client.kv.get: {read!r}")
        if noun._client is not client:
            raise ValueError(f"read must be a method of the same client: {read!r}")
        for name in ("index", "hash"):
            if options.get(name) is not None:
                raise TypeError(f"{name} is the watch's own business: leave it out")
        self._noun, self._describe = noun._described, describe
        self._args = args
        self._options = {
            name: value for name, value in options.items() if name not in ("index", "hash")
        }
        call = self.call()
        if not isinstance(call, Call):
            if hasattr(call, "close"):
                call.close()
            raise TypeError(f"read must be a single read: {read!r}")
        route = call.route
        self.hashed = route is not None and "hash" in route.keywords
        if route is None or not (self.hashed or "index" in route.keywords):
            raise ValueError(f"read must be one that can wait for a change: {read!r}")
        self.unordered = route.path == "/v1/event/list"
        self.first: Call[Any] = call

    def call(self, **position: Any) -> Any:
        """The call that asks from *position* on; without one it does not wait."""
        return self._describe(self._noun, *self._args, **self._options, **position)

    @property
    def key(self) -> Any:
        """What equal reads have in common."""
        return self.first.request._replace(secrets=()), self.first.decode

    def __repr__(self) -> str:
        request = self.first.request
        return f"{request.method} {request.redact(request.target)}"


class Heard(NamedTuple):
    """What one query has brought."""

    headers: Mapping[str, str]
    #: None for a missing object as well, which is what the read makes of it.
    answer: Any
    body: tuple[int, Any]
    #: Whether it is byte for byte what was heard before; then there is no *answer*.
    same: bool


def hearing(call: Call[Any], before: tuple[int, Any] | None = None) -> Call[Heard]:
    """*call* with an answer that is read only where its body is not the one of *before*."""

    def decode(response: Response) -> Heard:
        body = response.code, response.body
        if body == before:
            return Heard(response.headers, None, body, True)
        return Heard(response.headers, call.decode(response), body, False)

    return type(call)(call.request, decode, call.route)


def content(answer: Any) -> Any:
    """What of *answer* counts: not its index."""
    return answer.data if isinstance(answer, Indexed) else answer


class Position:
    """Where in the history of the data the next query begins."""

    def __init__(self, read: Read) -> None:
        self._read = read
        #: What the next query waits for a change of; None where it does not wait.
        self.last: Any = None
        #: Counts how often the history was found to have begun anew.
        self.history = 0

    def call(self) -> Call[Any]:
        """The next query."""
        if self.last is None:
            return self._read.first
        call: Call[Any] = self._read.call(**{"hash" if self._read.hashed else "index": self.last})
        return call

    def forget(self) -> None:
        """Have the next query answered at once."""
        self.last = None

    def take(self, headers: Mapping[str, str], waited: float, hold: float | None) -> bool:
        """Take the position of an answer; whether there are data in it.

        It came after *waited* seconds, and was to wait for *hold*.
        """
        asked = self.last
        if self._read.hashed:
            self.last = headers.get("x-consul-contenthash") or None
        else:
            self.last = index_of(headers)
        early = hold is not None and waited < hold * WAITED
        if self.last == asked and early:
            # A restored snapshot answers so, with the former data.
            self.forget()
            return True
        if self._read.hashed or self._read.unordered:
            return True
        fallen = asked is not None and (self.last or 0) < asked
        if self.last == 1 and (fallen or headers.get("x-consul-query-backend") == "streaming"):
            # The agent has no data yet, whatever it says.
            self.forget()
            return False
        if fallen:
            self.history += 1
            self.forget()
        return True


class Rate:
    """At most *burst* queries at once, and *a_second* from then on."""

    def __init__(self, burst: float, a_second: float) -> None:
        self._burst, self._a_second = burst, a_second
        self._left, self._then = burst, 0.0

    def pause(self, now: float) -> float:
        """Take one; the seconds after which it may be asked."""
        self._left = min(self._burst, self._left + (now - self._then) * self._a_second)
        self._then = now
        self._left -= 1
        return max(0.0, -self._left / self._a_second)


class Door:
    """While the agent is away, one poll of the client knocks, and the others wait for it.

    Who takes the only token is the one.
    """

    def __init__(self) -> None:
        self._token = Tokens()
        self._opened = Changes()
        #: How often was knocked.
        self.knocks = 0

    @property
    def opened(self) -> Signal:
        """Set when the one who knocks had an answer, or has ended.  Look at it before `take`."""
        return self._opened.next

    def take(self) -> bool:
        """Become the one who knocks, unless there is one."""
        return self._token.take()

    def open(self) -> None:
        """Let the others in; for the one who knocks."""
        # The token first: who finds none waits for a signal that is set afterwards.
        self._token.give()
        self._opened.tell()


class News(NamedTuple):
    """An answer that differs from the one before it, which *number* counts."""

    number: int
    answer: Any
    body: tuple[int, Any]
    #: The index that it came with, which another query with the same answer may have raised.
    at: int | None
    #: Which of the histories found so far the index belongs to.
    history: int


def lasting(error: BaseException, answered: bool) -> bool:
    """Whether *error* is one that asking again does not mend; *answered*, after it went well."""
    if not isinstance(error, ConsulException) or error.of_hook:
        return True
    if isinstance(error, (BadRequest, Closed, Unsupported)) or error.status in (401, 405):
        return True
    if WRONG_FILTER in (error.body or ""):
        return True
    if isinstance(error, ACLPermissionDenied):
        return not (answered and _knows_no_token(error))
    return not answered and isinstance(error, (ACLDisabled, NotFound, TLSError))


def _knows_no_token(error: ConsulException) -> bool:
    return isinstance(error, ACLPermissionDenied) and any(
        text in (error.body or "") for text in LEADERLESS_TOKEN
    )


def _is_away(error: ConsulException) -> bool:
    """Whether the agent cannot be reached, or has no leader to ask."""
    if isinstance(error, ConnectionFailed):
        return not isinstance(error, TLSError)
    return isinstance(error, NoLeader) or _knows_no_token(error)


class Poll:
    """One blocking query after another; *users* are those who want to know.

    It begins with the first of them and ends with the last.
    """

    def __init__(self, polls: Polls, key: Any, read: Read, rate: tuple[float, float]) -> None:
        self._polls, self._key, self._read = polls, key, read
        self._position, self._rate = Position(read), Rate(*rate)
        # Queries to another datacenter say nothing of this one.
        self._door = polls.door(dict(read.first.request.params).get("dc"))
        self._knocks = False
        self._failures = 0
        self._to_begin = Tokens()
        self._task: Task[None] | None = None
        #: Who wants to know, with what each wants to be called with the trouble.
        self.users: dict[object, Callable[[ConsulException], object] | None] = {}
        #: The newest answer; None before the first.
        self.news: News | None = None
        #: Tells that there is something else to look at.
        self.changes = Changes()
        #: When the agent was last heard, on the clock of steps; None before the first time.
        self.heard_at: float | None = None
        #: What is wrong, and since when; None while all is well.
        self.error: ConsulException | None = None
        self.error_since = 0.0
        #: Why it has ended, where that was not for lack of users.
        self.failure: BaseException | None = None
        #: Whether it has ended.
        self.over = False

    def begin(self, http: HTTPClient) -> None:
        """Begin, unless it has begun."""
        if not self._to_begin.take():
            return
        try:
            self._task = http.spawn(self._asking(http))
        except BaseException:
            self._end()
            raise
        if self.over:
            # All who wanted it have left meanwhile.
            self._task.cancel()

    def leave(self, user: object) -> Task[None] | None:
        """Have one *user* less; the task that ends with the last one."""
        self.users.pop(user, None)
        if self.users:
            return None
        # Who joins now finds out that it is over, and begins another one.
        self._end()
        if self._task is not None:
            self._task.cancel()
        return self._task

    def _end(self) -> None:
        self.over = True
        self._polls.forget(self._key, self)
        self.changes.tell()

    async def _asking(self, http: HTTPClient) -> None:
        try:
            # Who was cut by Ctrl-C may have left without a word.
            while self.users and not self.over:
                pause = self._rate.pause(await Now())
                if pause:
                    await sleep(pause)
                try:
                    await self._ask()
                except Exception as error:
                    if lasting(error, self.heard_at is not None):
                        raise
                    await self._fail(error)  # type: ignore[arg-type]
        except Exception as error:
            # The end of the client is such an exception in some flavours.
            if not (self.over or http.closed):
                log.error("the watch of %r ends: %s", self._read, error)
                self.failure = error.with_traceback(None)
        finally:
            self._enter()
            self._end()

    async def _ask(self) -> None:
        call = self._position.call()
        began = await Now()
        heard = await Once(hearing(call, None if self.news is None else self.news.body))
        now = await Now()
        self._enter()
        self._failures = 0
        had_data = self._position.take(heard.headers, now - began, call.request.hold)
        if not had_data:
            return
        self.heard_at = now
        self._note(heard)

    def _enter(self) -> None:
        """Let in those who wait at the door, where it is this one who knocks."""
        if self._knocks:
            self._knocks = False
            self._door.open()

    def _note(self, heard: Heard) -> None:
        news = self.news
        told = self.error is not None
        if told:
            log.info("the watch of %r has an answer again", self._read)
            self.error = None
        index, history = index_of(heard.headers), self._position.history
        if heard.same or (news is not None and content(heard.answer) == content(news.answer)):
            # It says the same, at a later index.
            self.news = news._replace(body=heard.body, at=index, history=history)  # type: ignore[union-attr]
            if told:
                self.changes.tell()
            return
        number = 0 if news is None else news.number + 1
        self.news = News(number, heard.answer, heard.body, index, history)
        self.changes.tell()

    async def _fail(self, error: ConsulException) -> None:
        """Note *error*, and wait until it is worth another attempt."""
        self._position.forget()
        now = await Now()
        known = self.error
        if known is None:
            self.error_since = now
        if _knows_no_token(error) and now - self.error_since >= UNKNOWN_TOKEN:
            raise error
        self.error = error
        if known is None or type(known) is not type(error) or known.status != error.status:
            log.warning("the watch of %r is repeated: %s", self._read, error)
            for on_error in list(self.users.values()):
                if on_error is not None:
                    await Spawn(calling("on_error", on_error, error))
            self.changes.tell()
        self._failures += 1
        if _is_away(error):
            dropped = isinstance(error, ConnectionFailed) and error.sent
            if not (dropped and self._failures == 1):
                # A kept connection is often dropped by an agent that is there.
                await self._knock()
            return
        self._enter()
        longest = ABSENT if isinstance(error, NotFound) else LONGEST
        await sleep(backoff(self._failures - 1, FIRST, longest, error, self._polls.chance()))

    async def _knock(self) -> None:
        """Wait until it is worth another attempt, as the one who knocks or behind that one."""
        opened = self._door.opened
        self._knocks = self._knocks or self._door.take()
        if self._knocks:
            self._door.knocks += 1
            await sleep(KNOCK)
            return
        knocks = None
        # As long as the other one knocks: its attempt may take long to fail.
        while knocks != self._door.knocks:
            knocks = self._door.knocks
            if await Wait(opened, LONGEST):
                return

    def __repr__(self) -> str:
        return f"<Poll of {self._read!r}>"


async def calling(name: str, function: Callable[[Any], object], value: Any) -> None:
    """Call the user's *function* with *value*; what it raises is logged under its *name*."""
    try:
        await Invoke(function, value)
    except Exception:
        log.exception("%s has failed", name)


class Polls:
    """The polls of one client, by what they ask for."""

    def __init__(self) -> None:
        import random

        self.chance = random.random
        self._polls: dict[Any, Poll] = {}
        self._doors: dict[Any, Door] = {}

    @classmethod
    def of(cls, http: HTTPClient) -> Polls:
        """Those of the client *http*."""
        found: Polls | None = http.shared.get(cls)
        return found if found is not None else http.shared.setdefault(cls, cls())

    def door(self, dc: str | None) -> Door:
        """The door to the datacenter *dc*."""
        return self._doors.setdefault(dc, Door())

    def join(
        self,
        http: HTTPClient,
        read: Read,
        rate: tuple[float, float],
        user: object,
        on_error: Callable[[ConsulException], object] | None,
    ) -> Poll:
        """The poll of what *read* asks for, with one *user* more."""
        key = (http.place(), rate, read.key)
        while True:
            poll = self._polls.get(key)
            if poll is None:
                poll = self._polls.setdefault(key, Poll(self, key, read, rate))
            poll.users[user] = on_error
            if not poll.over:
                break
            # It has ended just now.
            self.forget(key, poll)
        poll.begin(http)
        return poll

    def forget(self, key: Any, poll: Poll) -> None:
        """Have the next one who asks for *key* begin another poll."""
        if self._polls.get(key) is poll:
            self._polls.pop(key, None)
