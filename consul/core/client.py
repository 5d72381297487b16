"""The HTTP client of every flavour, less the I/O.

A flavour supplies four verbs, `exchange`, `wait`, `spawn` and `invoke`, and beside them `classify`
and `close`.  What is made of them is written here, once, as steps: repeats, hooks, the limit of
blocking queries, recipes and the end of tasks.  A plain call, the usual one, takes no steps: the
flavour's ``send`` makes one exchange and reads the answer.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from weakref import WeakSet

from consul.core import address as addresses
from consul.core import compat
from consul.core.address import Address
from consul.core.clock import now
from consul.core.failures import both, forget_frames, like, reason, speaks_no_tls, tls_reason
from consul.core.request import Attempt, Call, Once, Request
from consul.core.retry import Retry, repeating
from consul.core.settings import Settings
from consul.core.signal import Signal
from consul.core.steps import (
    CLEANUP,
    Aside,
    Cancelled,
    Invoke,
    Now,
    Open,
    Part,
    Shut,
    Spawn,
    Step,
    Steps,
    Task,
    Wait,
)
from consul.core.tls import Cert
from consul.core.turns import Turns
from consul.exceptions import (
    Closed,
    ConnectionFailed,
    ConsulException,
    Timeout,
    TLSError,
)

if TYPE_CHECKING:
    from consul.core.stream import Pace, Upload

T = TypeVar("T")
E = TypeVar("E", bound=ConsulException)

#: logging's, which is not imported here.
DEBUG = 10

_clients: WeakSet[HTTPClient] = WeakSet()


def _after_fork() -> None:
    for client in list(_clients):
        client._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class Fault(NamedTuple):
    """What a failure of the HTTP library means."""

    kind: type[ConsulException]
    #: False where no connection was made, so that the server cannot have acted on the request.
    sent: bool = True
    #: The exception that says most about it, where that is not the failure itself.
    cause: BaseException | None = None


class Unsent(Exception):
    """Raised by ``exchange`` for a failure, its ``__cause__``, before there was a connection."""


class HTTPClient:
    """One agent's address and how to send it a `Call`.

    `get`, `put`, `post` and `delete` exist for code written for python-consul that calls or
    overrides them.  So do the five arguments: new code uses ``HTTPClient(settings)``.  *base_uri*
    may be assigned.
    """

    #: What the verbs return: the "value", a "future" of it, or something that can be "awaited".
    form = "value"
    #: Whether an exception is of the class of its cause as well, rather than of one fixed class.
    like_library = True
    #: The clock of steps.
    now = staticmethod(now)
    #: What is raised in a recipe that is cancelled.
    cancellations: tuple[type[BaseException], ...] = (Cancelled, KeyboardInterrupt)
    #: Raised when the time of a call is up.
    timeout_class: type[Timeout] = Timeout
    #: What `exchange` and `open` raise when they fail.
    failures: tuple[type[Exception], ...] = ()

    def __init__(
        self,
        host: str | Settings = "127.0.0.1",
        port: int | str = 8500,
        scheme: str = "http",
        verify: Any = True,
        cert: Cert = None,
    ) -> None:
        # Not at the top: it imports logging, which takes longer than all the rest.
        from consul.core import hooks

        if isinstance(host, Settings):
            settings = host
        else:
            settings = Settings(retry=Retry()).with_address(host, port, scheme, verify, cert)
        self._hooks = hooks
        self._log_enabled = hooks.log.isEnabledFor
        self._hooked = bool(settings.on_request or settings.on_response)
        self._base_uri = settings.address.base_uri
        self.settings = settings
        self.host, self.port, self.scheme = settings.address[:3]
        self.verify, self.cert = settings.tls.verify, settings.tls.cert
        #: What the agent says of its version; None until it was asked, "" where it does not say.
        self._server_version: str | None = None
        #: Whether `close` was called, after which only the ends of tasks send anything.
        self.closed = False
        #: Set when the tasks have ended, after which nothing is sent.
        self._ended = Signal()
        self._start()
        self._set_up()
        _clients.add(self)

    def _start(self) -> None:
        """Make what a forked process must not share with its parent."""
        self._tasks: set[Task[Any]] = set()
        #: What the recipes of this client share, by its kind.
        self.shared: dict[Any, Any] = {}
        limit = self.settings.max_polls
        self._turns = None if limit is None else Turns(limit)

    def _set_up(self) -> None:
        """Make what else the flavour needs.  There may be no running loop yet.

        Raises ValueError for a setting that the flavour cannot follow.
        """

    def _after_fork(self) -> None:
        """In a process just forked off, with no other thread: leave the connections to the parent.

        Two processes on one connection would read each other's answers.
        """
        self._start()

    @property
    def address(self) -> Address:
        """Where the agent is."""
        return self.settings.address

    @property
    def base_uri(self) -> str:
        """``scheme://host:port/prefix`` of the agent; assign it to talk to another one."""
        return self._base_uri

    @base_uri.setter
    def base_uri(self, uri: str) -> None:
        self.settings = self.settings._replace(address=addresses.from_uri(uri))
        self._base_uri = uri

    # The verbs of a flavour

    def exchange(self, request: Request) -> Any:
        """The `Response` of the server to *request*, in the flavour's form."""
        raise NotImplementedError(f"{type(self).__name__} does not define exchange()")

    def open(self, request: Request, pace: Pace, upload: Upload | None) -> Any:
        """The `consul.core.stream.Answer` of the server to *request*, in the flavour's form.

        *upload* is the body, where there is one.  *pace* has the time limits.
        """
        raise TypeError(f"{type(self).__name__} cannot stream: it does not define open()")

    def aside(self, function: Callable[..., T], *args: Any) -> Any:
        """Call *function*, which blocks, without holding up what else the flavour runs."""
        return function(*args)

    def wait(self, signal: Signal, seconds: float | None) -> Any:
        """Wait until *signal* is set, for *seconds* at most; whether it is set."""
        raise NotImplementedError(f"{type(self).__name__} does not define wait()")

    def spawn(self, steps: Steps[T]) -> Task[T]:
        """Run *steps* in the background until they end or the client is closed."""
        raise NotImplementedError(f"{type(self).__name__} does not define spawn()")

    def place(self) -> Any:
        """What tasks run in, where there can be several: the event loop."""
        return None

    def invoke(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call *function*, the user's, and wait for what it returns where the flavour can."""
        return function(*args)

    def at_end(self, end: Callable[[], Steps[Any]], sigterm: bool) -> Callable[[], object]:
        """Have the steps of *end* run where the program ends without leaving its blocks.

        That is at the end of the interpreter, where the flavour can still work then, and on SIGTERM
        with *sigterm*.  Returns what takes it off again.
        """
        return lambda: None

    def heed_sigterm(self) -> None:
        """Have SIGTERM end the program in order, in the flavours that need no loop for it."""

    def classify(self, error: BaseException) -> Fault:
        """What *error*, raised by `exchange`, means."""
        raise NotImplementedError(f"{type(self).__name__} does not define classify()")

    def _attempt(self, call: Call[Any]) -> Any:
        """Make one exchange of *call* and read the answer, in the flavour's form."""
        raise NotImplementedError(f"{type(self).__name__} does not define attempt()")

    def send(self, call: Call[Any]) -> Any:
        """Perform *call*; the flavour's form of what its ``read`` makes of the answer."""
        raise NotImplementedError(f"{type(self).__name__} does not define send()")

    def run(self, steps: Steps[Any], send: Callable[[Call[Any]], Any] | None = None) -> Any:
        """Run a recipe, in the flavour's form; *send* performs its calls in place of our own."""
        raise NotImplementedError(f"{type(self).__name__} does not define run()")

    # What is made of them

    def _is_plain(self, call: Call[Any]) -> bool:
        """Whether one exchange is all that *call* takes: no hook, no log, no limit."""
        return call.plain and not (
            self._hooked
            or (self._turns is not None and call.request.hold is not None)
            or self._log_enabled(DEBUG)
        )

    def _is_watched(self) -> bool:
        """Whether a hook or the log wants to know of each exchange."""
        return self._hooked or self._log_enabled(DEBUG)

    def _refuse_if_closed(self) -> None:
        """Raise where the client cannot be used any more."""
        if self.closed:
            raise Closed(f"{self!r} is closed")

    def _refuse_to_run_if_closed(self, steps: Steps[Any]) -> None:
        """The same for a recipe, which is closed then."""
        if self.closed:
            steps.close()
            self._refuse_if_closed()

    def _meaning(self, call: Call[Any], error: BaseException) -> BaseException:
        """What to raise for *error*, one of `failures`, with which a stream failed."""
        return self._failure(call, error)

    def _failure(self, call: Call[Any], error: BaseException) -> ConsulException:
        """The exception of ours for *error*, with which an exchange failed."""
        forget_frames(error)
        cause = error
        if isinstance(error, Unsent):
            cause = error.__cause__ or error
        fault = self.classify(cause)
        sent = fault.sent and cause is error
        cause = fault.cause or cause
        if self._ended:
            # It was the end of the client that has cut the call.
            made: ConsulException = both(Closed, fault.kind)(  # type: ignore[arg-type]
                f"{self!r} is closed"
            )
        else:
            text = self._told(call, fault.kind, sent, cause)
            made = like(fault.kind, cause, text) if self.like_library else fault.kind(text)
        failure = self._named(call, made)
        if isinstance(failure, ConnectionFailed) and not isinstance(failure, TLSError):
            failure.sent = sent
        failure.__cause__ = _telling(call, cause)
        return failure

    def _told(
        self, call: Call[Any], kind: type[ConsulException], sent: bool, cause: BaseException
    ) -> str:
        """What the message of a failure of this *kind* says."""
        address = self.settings.address
        where = str(address) if address.socket else address.authority
        if issubclass(kind, Timeout):
            limit = call.request.deadline
            return "no answer in time" if limit is None else f"no answer in {limit:g} s"
        if issubclass(kind, TLSError):
            if speaks_no_tls(cause):
                return f"{where} does not speak TLS: is it the port for http?"
            return f"no TLS with {where}: {tls_reason(cause)}"
        if not issubclass(kind, ConnectionFailed):
            return f"{type(cause).__name__}: {cause}"
        if sent:
            return f"the connection to {where} broke: {reason(cause)}"
        return f"cannot connect to {where}: {reason(cause)}"

    def _named(self, call: Call[Any], error: E) -> E:
        """*error* with the request and the server that it is about."""
        if error.server is None:
            address = self.settings.address
            error.server = f"{address} " if address.socket else self._base_uri
        return call.located(error)

    def _repeats(self, call: Call[Any], error: ConsulException) -> bool:
        """Whether *call*, which failed with *error*, is one to be repeated."""
        retry = self.settings.retry
        return retry is not None and retry.repeats(call, error)

    def _attempting(self, call: Call[T]) -> Steps[T]:
        """The steps of one attempt, with the hooks and the log where somebody wants them."""
        if self._ended:
            self._refuse_if_closed()
        if self._is_watched():
            settings = self.settings
            return self._hooks.attempt_with_hooks(call, settings.on_request, settings.on_response)
        return _attempting(call)

    def _attempting_in_turn(self, call: Call[T]) -> Steps[T]:
        """The same; a blocking query waits for its turn where there is a limit."""
        if self._turns is None or call.request.hold is None:
            return self._attempting(call)
        return self._taking_turns(call, self._turns)

    async def _taking_turns(self, call: Call[T], turns: Turns) -> T:
        began = await Now()
        if not await turns.take(call.request.deadline):
            limit = call.request.deadline
            raise self._named(call, self.timeout_class(f"no turn in {limit:g} s"))
        try:
            return await self._attempting(call.after(await Now() - began))
        finally:
            turns.give()

    def _expanding(self, step: Any) -> Steps[Any]:
        """The steps that a composite *step* is made of."""
        if isinstance(step, Once):
            return self._sending(step.call, once=True)
        return self._sending(step)

    async def _sending(self, call: Call[T], once: bool = False) -> T:
        """The steps of *call*: one attempt, and repeats where the `consul.Retry` says so."""
        began = await Now()
        if call.streams:
            from consul.core import stream

            return await stream.performing(self, call)  # type: ignore[arg-type]
        if not call.plain:
            await self._pass_gate(call)
            call = call.after(await Now() - began)
        try:
            return await self._attempting_in_turn(call)
        except ConsulException as error:
            if once or not self._repeats(call, error):
                raise
            failure = error
        return await self._repeating(call, failure, began)

    async def _pass_gate(self, call: Call[Any]) -> None:
        """Refuse *call* when the server is known to ignore a part of it."""
        from consul.core import gate

        refusal = gate.refusal(call, self._server_version)
        if refusal is not None or self._server_version is None:
            # Before a refusal once more: the agent may have been replaced by a newer one.
            self._server_version = await gate.version(self._attempting(gate.question(call)))
            refusal = gate.refusal(call, self._server_version)
        if refusal is not None:
            raise self._named(call, refusal)

    def _repeating(
        self,
        call: Call[Any],
        error: ConsulException,
        began: float,
        attempt: Callable[[Any], Steps[T]] | None = None,
    ) -> Steps[T]:
        """The steps that repeat *call*, made at *began*, which failed with *error*."""
        retry = self.settings.retry or Retry()
        attempt = attempt or self._attempting_in_turn
        return repeating(call, retry, error, began, attempt, end=self._ended)

    def _perform(self, step: Step[Any]) -> Any:
        """Perform one step by the flavour's verbs: the outcome, or what the flavour waits for."""
        perform = _PERFORM.get(type(step))
        if perform is None:
            raise TypeError(f"{type(self).__name__} cannot perform {step!r}")
        return perform(self, step)

    def _performing(
        self, send: Callable[[Call[Any]], Any] | None
    ) -> tuple[Callable[[Step[Any]], Any], Callable[[Any], Steps[Any]] | None]:
        """How a recipe is performed: what performs a step, and what steps a call is made of.

        A *send* that is not ours, the verbs of an old adapter, performs a call in one step.
        """
        if send is None or send == self.send:
            return self._perform, self._expanding

        def perform(step: Step[Any]) -> Any:
            if isinstance(step, Once):
                step = step.call
            return send(step) if isinstance(step, Call) else self._perform(step)

        return perform, None

    async def _closing(self, here: object) -> None:
        """The steps that end all tasks, and wait for what their ``finally:`` blocks do.

        *here* is where the caller runs: a task cannot wait for itself.
        """
        if self.closed:
            # What the first close() waits for must not be cut by the second one.
            await Wait(self._ended, CLEANUP)
            return
        self.closed = True
        end = await Now() + CLEANUP
        told: set[Task[Any]] = set()
        try:
            # Until there is none: one that was told may have begun others before it heard of it.
            while tasks := [
                task
                for task in list(self._tasks)
                if task not in told and (task.where is None or task.where != here)
            ]:
                told.update(tasks)
                for task in tasks:
                    task.cancel()
                for task in tasks:
                    await Wait(task.done, max(0.0, end - await Now()))
        finally:
            self._ended.set()

    # python-consul's

    def url(self, request: Request) -> str:
        """The absolute URL of *request*."""
        return self._base_uri + request.target

    def uri(self, path: str, params: Any = None) -> str:
        """The absolute URL of an unquoted *path*; *params* is a dict or a list of pairs."""
        return self.url(compat.request("GET", path, params, None, None, self.settings))

    def get(self, callback: Any, path: str, params: Any = None, headers: Any = None) -> Any:
        """GET; *callback* reads the `Response`."""
        return self._verb("GET", callback, path, params, None, headers)

    def put(
        self, callback: Any, path: str, params: Any = None, data: Any = "", headers: Any = None
    ) -> Any:
        """PUT *data* (str or bytes); *callback* reads the `Response`."""
        return self._verb("PUT", callback, path, params, data, headers)

    def post(
        self, callback: Any, path: str, params: Any = None, data: Any = "", headers: Any = None
    ) -> Any:
        """POST *data* (str or bytes); *callback* reads the `Response`."""
        return self._verb("POST", callback, path, params, data, headers)

    def delete(
        self, callback: Any, path: str, params: Any = None, data: Any = None, headers: Any = None
    ) -> Any:
        """DELETE; *callback* reads the `Response`."""
        return self._verb("DELETE", callback, path, params, data, headers)

    def _verb(
        self, method: str, callback: Any, path: str, params: Any, data: Any, headers: Any
    ) -> Any:
        request = compat.request(method, path, params, data, headers, self.settings)
        return self.send(Call(request, callback))

    def __repr__(self) -> str:
        # The URI of a unix socket does not say where it is.
        address = self.settings.address
        where = address if address.socket is not None else self._base_uri
        return f"<{type(self).__module__}.{type(self).__qualname__} {where}>"


# Its repr names the module that people import it from.
HTTPClient.__module__ = "consul.base"


def _telling(call: Call[Any], cause: BaseException) -> BaseException | None:
    """*cause*, or what has caused it where it shows a secret, or None where both do."""
    for each in (cause, cause.__cause__):
        if each is not None and not call.reveals(f"{each} {each!r}"):
            return each
    return None


async def _attempting(call: Call[T]) -> T:
    value: T = await Attempt(call)
    return value


def _perform_attempt(http: HTTPClient, step: Attempt[Any]) -> Any:
    if http._ended:
        # The client was closed while a hook or a turn was waited for.
        http._refuse_if_closed()
    return http._attempt(step.call)


#: The verb for each kind of step.
_PERFORM: dict[type[Step[Any]], Callable[[HTTPClient, Any], Any]] = {
    Attempt: _perform_attempt,
    Now: lambda http, step: http.now(),
    Wait: lambda http, step: http.wait(step.signal, step.seconds),
    Spawn: lambda http, step: http.spawn(step.steps),
    Invoke: lambda http, step: http.invoke(step.function, *step.args),
    Aside: lambda http, step: http.aside(step.function, *step.args),
    Open: lambda http, step: http.open(step.request, step.pace, step.upload),
    Part: lambda http, step: step.answer.read(step.seconds),
    Shut: lambda http, step: step.answer.close(),
}
