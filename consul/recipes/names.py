"""The recipes by the names that they have on a client."""

# For mypy the arguments of another call fit to all, so that no second signature is ever needed.
# mypy: disable-error-code="overload-cannot-match, overload-overlap"

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from consul.core.flavour import F, Flavoured, recipe

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from concurrent.futures import Future
    from typing import ParamSpec, TypeAlias, TypeVar, Unpack, overload

    from consul.api.options import HealthServiceRead, Untimed
    from consul.core.answers import Indexed
    from consul.core.flavour import Direct, Overloaded
    from consul.core.request import Duration
    from consul.core.steps import Steps
    from consul.core.values import Flag, Number, Text
    from consul.recipes.discovery import Discovery
    from consul.recipes.elections import Election, Leadership
    from consul.recipes.locks import Lock
    from consul.recipes.registrations import Registration
    from consul.recipes.semaphores import Semaphore
    from consul.recipes.sessions import SessionKeeper
    from consul.recipes.watch import OnError, Watch, Watched

    P = ParamSpec("P")
    T = TypeVar("T")
    #: What the reads of all flavours but the direct one return.
    Form: TypeAlias = Awaitable[T] | Future[T]
    #: A read whose answer depends on its arguments, as what it may answer in all.
    Either: TypeAlias = Overloaded[..., Any, ..., Any, ..., Any, ..., Any, ..., T]

    class DiscoverOptions(HealthServiceRead, total=False):
        """What ``health.service`` takes besides what has a position."""

        token: Text | None
        node_meta: Mapping[str, object] | Iterable[Text] | None
        filter: Text | None

    class ServiceOptions(Untimed, total=False):
        """What ``agent.service.register`` takes besides what has a position."""

        check: Mapping[str, Any] | None
        token: Text | None
        enable_tag_override: Flag
        meta: Mapping[str, Text] | None
        weights: Mapping[str, Number] | None
        tagged_addresses: Mapping[str, Mapping[str, Any]] | None
        extra_checks: Iterable[Mapping[str, Any]] | None
        replace_existing_checks: Flag
        kind: Text | None
        proxy: Mapping[str, Any] | None
        connect: Mapping[str, Any] | None
        socket_path: Text | None
        locality: Mapping[str, Text] | None
        ports: Iterable[Mapping[str, Any]] | None
        ai: Mapping[str, Any] | None
        extra: Mapping[str, Any] | None


class Recipes(Flavoured[F]):
    """What takes more than one request, by its name on the client.

    The signatures are for type checkers.  *read* is a method of the client with its arguments,
    checked like a call of it.  Where an own keyword of the recipe is among them, the arguments of
    the read are not checked: use ``functools.partial`` for both.
    """

    if TYPE_CHECKING:

        @overload
        def watch(
            self: Recipes[Direct], read: Callable[P, T], *args: P.args, **options: P.kwargs
        ) -> Watch[T, Direct]: ...
        @overload
        def watch(
            self, read: Callable[P, Form[T]], *args: P.args, **options: P.kwargs
        ) -> Watch[T, F]: ...
        @overload
        def watch(
            self: Recipes[Direct], read: Either[T], *args: Any, skip_first: bool, **options: Any
        ) -> Watch[T, Direct]: ...
        @overload
        def watch(
            self: Recipes[Direct],
            read: Callable[..., T],
            *args: Any,
            skip_first: bool,
            **options: Any,
        ) -> Watch[T, Direct]: ...
        @overload
        def watch(
            self, read: Either[Form[T]], *args: Any, skip_first: bool, **options: Any
        ) -> Watch[T, F]: ...
        @overload
        def watch(
            self, read: Callable[..., Form[T]], *args: Any, skip_first: bool, **options: Any
        ) -> Watch[T, F]: ...
        @overload
        def watch(
            self: Recipes[Direct], read: Either[T], *args: Any, give_up: Duration, **options: Any
        ) -> Watch[T, Direct]: ...
        @overload
        def watch(
            self: Recipes[Direct],
            read: Callable[..., T],
            *args: Any,
            give_up: Duration,
            **options: Any,
        ) -> Watch[T, Direct]: ...
        @overload
        def watch(
            self, read: Either[Form[T]], *args: Any, give_up: Duration, **options: Any
        ) -> Watch[T, F]: ...
        @overload
        def watch(
            self, read: Callable[..., Form[T]], *args: Any, give_up: Duration, **options: Any
        ) -> Watch[T, F]: ...
        @overload
        def watch(
            self: Recipes[Direct],
            read: Either[T],
            *args: Any,
            rate: tuple[float, float],
            **options: Any,
        ) -> Watch[T, Direct]: ...
        @overload
        def watch(
            self: Recipes[Direct],
            read: Callable[..., T],
            *args: Any,
            rate: tuple[float, float],
            **options: Any,
        ) -> Watch[T, Direct]: ...
        @overload
        def watch(
            self, read: Either[Form[T]], *args: Any, rate: tuple[float, float], **options: Any
        ) -> Watch[T, F]: ...
        @overload
        def watch(
            self,
            read: Callable[..., Form[T]],
            *args: Any,
            rate: tuple[float, float],
            **options: Any,
        ) -> Watch[T, F]: ...
        @overload
        def watch(
            self: Recipes[Direct], read: Either[T], *args: Any, on_error: OnError, **options: Any
        ) -> Watch[T, Direct]: ...
        @overload
        def watch(
            self: Recipes[Direct],
            read: Callable[..., T],
            *args: Any,
            on_error: OnError,
            **options: Any,
        ) -> Watch[T, Direct]: ...
        @overload
        def watch(
            self, read: Either[Form[T]], *args: Any, on_error: OnError, **options: Any
        ) -> Watch[T, F]: ...
        @overload
        def watch(
            self, read: Callable[..., Form[T]], *args: Any, on_error: OnError, **options: Any
        ) -> Watch[T, F]: ...
        def watch(self, *args: Any, **options: Any) -> Any: ...
        # The value is the answer less its index.
        @overload
        def watched(
            self: Recipes[Direct], read: Callable[P, Indexed[T]], *args: P.args, **options: P.kwargs
        ) -> Watched[T, Direct]: ...
        @overload
        def watched(
            self: Recipes[Direct], read: Callable[P, T], *args: P.args, **options: P.kwargs
        ) -> Watched[T, Direct]: ...
        @overload
        def watched(
            self, read: Callable[P, Form[Indexed[T]]], *args: P.args, **options: P.kwargs
        ) -> Watched[T, F]: ...
        @overload
        def watched(
            self, read: Callable[P, Form[T]], *args: P.args, **options: P.kwargs
        ) -> Watched[T, F]: ...
        @overload
        def watched(
            self: Recipes[Direct],
            read: Either[Indexed[T]],
            *args: Any,
            give_up: Duration,
            **options: Any,
        ) -> Watched[T, Direct]: ...
        @overload
        def watched(
            self: Recipes[Direct], read: Either[T], *args: Any, give_up: Duration, **options: Any
        ) -> Watched[T, Direct]: ...
        @overload
        def watched(
            self: Recipes[Direct],
            read: Callable[..., Indexed[T]],
            *args: Any,
            give_up: Duration,
            **options: Any,
        ) -> Watched[T, Direct]: ...
        @overload
        def watched(
            self: Recipes[Direct],
            read: Callable[..., T],
            *args: Any,
            give_up: Duration,
            **options: Any,
        ) -> Watched[T, Direct]: ...
        @overload
        def watched(
            self, read: Either[Form[Indexed[T]]], *args: Any, give_up: Duration, **options: Any
        ) -> Watched[T, F]: ...
        @overload
        def watched(
            self, read: Either[Form[T]], *args: Any, give_up: Duration, **options: Any
        ) -> Watched[T, F]: ...
        @overload
        def watched(
            self,
            read: Callable[..., Form[Indexed[T]]],
            *args: Any,
            give_up: Duration,
            **options: Any,
        ) -> Watched[T, F]: ...
        @overload
        def watched(
            self, read: Callable[..., Form[T]], *args: Any, give_up: Duration, **options: Any
        ) -> Watched[T, F]: ...
        @overload
        def watched(
            self: Recipes[Direct],
            read: Either[Indexed[T]],
            *args: Any,
            rate: tuple[float, float],
            **options: Any,
        ) -> Watched[T, Direct]: ...
        @overload
        def watched(
            self: Recipes[Direct],
            read: Either[T],
            *args: Any,
            rate: tuple[float, float],
            **options: Any,
        ) -> Watched[T, Direct]: ...
        @overload
        def watched(
            self: Recipes[Direct],
            read: Callable[..., Indexed[T]],
            *args: Any,
            rate: tuple[float, float],
            **options: Any,
        ) -> Watched[T, Direct]: ...
        @overload
        def watched(
            self: Recipes[Direct],
            read: Callable[..., T],
            *args: Any,
            rate: tuple[float, float],
            **options: Any,
        ) -> Watched[T, Direct]: ...
        @overload
        def watched(
            self,
            read: Either[Form[Indexed[T]]],
            *args: Any,
            rate: tuple[float, float],
            **options: Any,
        ) -> Watched[T, F]: ...
        @overload
        def watched(
            self, read: Either[Form[T]], *args: Any, rate: tuple[float, float], **options: Any
        ) -> Watched[T, F]: ...
        @overload
        def watched(
            self,
            read: Callable[..., Form[Indexed[T]]],
            *args: Any,
            rate: tuple[float, float],
            **options: Any,
        ) -> Watched[T, F]: ...
        @overload
        def watched(
            self,
            read: Callable[..., Form[T]],
            *args: Any,
            rate: tuple[float, float],
            **options: Any,
        ) -> Watched[T, F]: ...
        @overload
        def watched(
            self: Recipes[Direct],
            read: Either[Indexed[T]],
            *args: Any,
            on_error: OnError,
            **options: Any,
        ) -> Watched[T, Direct]: ...
        @overload
        def watched(
            self: Recipes[Direct], read: Either[T], *args: Any, on_error: OnError, **options: Any
        ) -> Watched[T, Direct]: ...
        @overload
        def watched(
            self: Recipes[Direct],
            read: Callable[..., Indexed[T]],
            *args: Any,
            on_error: OnError,
            **options: Any,
        ) -> Watched[T, Direct]: ...
        @overload
        def watched(
            self: Recipes[Direct],
            read: Callable[..., T],
            *args: Any,
            on_error: OnError,
            **options: Any,
        ) -> Watched[T, Direct]: ...
        @overload
        def watched(
            self, read: Either[Form[Indexed[T]]], *args: Any, on_error: OnError, **options: Any
        ) -> Watched[T, F]: ...
        @overload
        def watched(
            self, read: Either[Form[T]], *args: Any, on_error: OnError, **options: Any
        ) -> Watched[T, F]: ...
        @overload
        def watched(
            self,
            read: Callable[..., Form[Indexed[T]]],
            *args: Any,
            on_error: OnError,
            **options: Any,
        ) -> Watched[T, F]: ...
        @overload
        def watched(
            self, read: Callable[..., Form[T]], *args: Any, on_error: OnError, **options: Any
        ) -> Watched[T, F]: ...
        def watched(self, *args: Any, **options: Any) -> Any: ...

    else:

        def watch(
            self,
            read,
            *args,
            skip_first=False,
            rate=None,
            give_up=None,
            on_error=None,
            **options,
        ):
            """Watch what *read* answers: a `consul.recipes.watch.Watch`.

            *read* is a method of this client that can wait for a change, such as
            ``client.health.service``; *args* and *options* are what it takes.  The items are what
            it answers: the present state first, unless *skip_first*, then each change.

            *rate* is (burst, per second), (20, 2) by default: so many queries may follow each other
            at once, and so many a second from then on.  *give_up* is the seconds (or "10m") after
            which the watch raises what has been wrong all the time; by default it goes on for ever.
            *on_error* is called with each new kind of trouble, a `consul.ConsulException`.

            Raises ValueError for a read that cannot wait, TypeError for what is not a read.
            """
            from consul.recipes.watch import Read, Watch

            asked = Read(self, read, args, options)
            return Watch(
                self,
                asked,
                skip_first=skip_first,
                rate=rate,
                give_up=give_up,
                on_error=on_error,
            )

        def watched(self, read, *args, rate=None, give_up=None, on_error=None, **options):
            """Keep what *read* answers up to date: a `consul.recipes.watch.Watched`.

            The arguments are those of `watch`.  It begins when it is first used.
            """
            from consul.recipes.watch import Read, Watched

            asked = Read(self, read, args, options)
            return Watched(self, asked, rate=rate, give_up=give_up, on_error=on_error)

    def session_keeper(
        self,
        ttl: Duration = "15s",
        name: Text | None = None,
        behavior: str = "release",
        lock_delay: Duration | None = None,
        node_checks: Iterable[Text] | None = None,
        service_checks: Iterable[Mapping[str, Text]] | None = None,
    ) -> SessionKeeper[F]:
        """Keep a session alive in the background: a `consul.recipes.sessions.SessionKeeper`.

        The arguments are those of ``session.create``.  *ttl* and *lock_delay* are seconds, "15s" or
        a timedelta; Consul takes a *ttl* of 10 s to 24 h.  *node_checks* are by default those of
        the server, "serfHealth"; with [] the session ends by its TTL only.  The *name* gets a
        random suffix.  It begins at ``start`` or with its block.

        Raises ValueError or TypeError for what ``session.create`` does not take.
        """
        from consul.recipes.sessions import SessionKeeper

        return SessionKeeper(self, ttl, name, behavior, lock_delay, node_checks, service_checks)

    def lock(
        self,
        key: Text,
        value: str | bytes | None = None,
        ttl: Duration | None = None,
        session: Text | SessionKeeper[Any] | None = None,
        lock_delay: Duration | None = None,
        timeout: Duration | None = None,
        node_checks: Iterable[Text] | None = None,
    ) -> Lock[F]:
        """The lock of *key*, which Go programs and ``consul lock`` respect.

        It is a `consul.recipes.locks.Lock`, taken by ``acquire`` or by its block.

        *value* is written to the key, to say who holds it.  *timeout* (seconds, "10s" or a
        timedelta) is how long a block waits for it, by default for ever.

        *session* is the `SessionKeeper` to hold it with, or the id of a session, which is renewed
        and not destroyed: so a restarted process adopts its lock.  By default each acquisition
        has a session of its own with *ttl* (15 s), *lock_delay* (15 s) and *node_checks* (those
        of the server), as ``session.create`` takes them.  ``consul lock P`` takes the key
        ``P/.lock``.

        Raises ValueError or TypeError for a wrong argument.
        """
        from consul.recipes.locks import Lock

        return Lock(self, key, value, ttl, session, lock_delay, timeout, node_checks)

    def semaphore(
        self,
        prefix: Text,
        limit: int,
        value: str | bytes | None = None,
        ttl: Duration | None = None,
        session: Text | SessionKeeper[Any] | None = None,
        timeout: Duration | None = None,
        node_checks: Iterable[Text] | None = None,
    ) -> Semaphore[F]:
        """One of *limit* places below *prefix*, which Go programs and ``consul lock -n`` respect.

        It is a `consul.recipes.semaphores.Semaphore`.  All who take part have to name the same
        *limit*.  *value* is written for each holder, to say who it is.  The other arguments are
        those of `lock`; a session of its own deletes its entry when it ends.

        Raises ValueError or TypeError for a wrong argument.
        """
        from consul.recipes.semaphores import Semaphore

        return Semaphore(self, prefix, limit, value, ttl, session, timeout, node_checks)

    def election(
        self,
        key: Text,
        value: str | bytes,
        ttl: Duration | None = None,
        session: Text | SessionKeeper[Any] | None = None,
        lock_delay: Duration | None = None,
        node_checks: Iterable[Text] | None = None,
        on_gain: Callable[[Leadership[Any]], object] | None = None,
        on_loss: Callable[[Leadership[Any]], object] | None = None,
    ) -> Election[F]:
        """The election of a leader by the lock of *key*: a `consul.recipes.elections.Election`.

        *value* is what the leader writes to the key, to be found by the others.  *on_gain* and
        *on_loss* are called with the `consul.recipes.elections.Leadership` when it begins, and when
        it ended, by resignation as well.  They are called one after the other, in the background.
        The other arguments are those of `lock`.

        Raises ValueError or TypeError for a wrong argument.
        """
        from consul.recipes.elections import Election

        return Election(self, key, value, ttl, session, lock_delay, node_checks, on_gain, on_loss)

    def discover(
        self,
        name: Text,
        tag: Text | Iterable[Text] | None = None,
        near: Text | None = None,
        dc: Text | Iterable[Text] | None = None,
        passing: Flag = True,
        policy: str = "random",
        rest: Duration = 10,
        **options: Unpack[DiscoverOptions],
    ) -> Discovery[F]:
        """The live instances of the service *name*: a `consul.recipes.discovery.Discovery`.

        *dc* may be a list of datacenters: the first one that has instances counts.  *policy* is how
        ``pick`` chooses, *rest* how many seconds (or "10s") an instance rests that has failed.
        The other arguments are those of ``health.service``; with *passing* False instances that
        fail their checks are there as well.

        Raises ValueError or TypeError for a wrong argument.
        """
        from consul.recipes.discovery import Discovery

        given: dict[str, Any] = {"tag": tag, "near": near, "passing": passing, **options}
        return Discovery(self, name, dc, policy, rest, given)

    def registration(
        self,
        name: Text,
        service_id: Text | None = None,
        address: Text | None = None,
        port: Number | None = None,
        tags: Iterable[Text] | None = None,
        *,
        ttl: Duration | None = None,
        heartbeat: Callable[[], Any] | None = None,
        deregister: Duration | None = None,
        drain: Duration | None = None,
        ready: bool = False,
        sigterm: bool = False,
        **service: Unpack[ServiceOptions],
    ) -> Registration[F]:
        """A service that is registered while its process runs.

        It is a `consul.recipes.registrations.Registration`, begun by ``start`` or by its block.
        Apart from those below, the arguments are those of ``agent.service.register``.

        *ttl* (seconds, "15s" or a timedelta) gives it a check that turns critical where this
        process does not renew it, which is done at a third of that.  It is critical until ``ready``
        was called, or from the beginning with *ready*.  *heartbeat* is called each time: it returns
        None or a status ("passing", "warning", "critical"), or (status, note); one that raises
        reports critical.  *deregister* is how long it may be critical until the agent removes it,
        at least a minute.  *drain* is for how long it is in maintenance before it is removed at the
        end.  With *sigterm* SIGTERM ends the program in order, where nothing else heeds it.

        Raises ValueError or TypeError for a wrong argument.
        """
        from consul.recipes.registrations import Registration

        given = {
            "service_id": service_id,
            "address": address,
            "port": port,
            "tags": tags,
            **service,
        }
        fields = {name: value for name, value in given.items() if value is not None}
        return Registration(self, name, fields, ttl, heartbeat, deregister, drain, ready, sigterm)

    @recipe
    def run_once(self, key: Text, function: Callable[[], Any], every: Duration) -> Steps[bool]:
        """Call *function*, unless another process is at it, or one did within *every*; whether.

        *every* is seconds, "1h" or a timedelta.  When it was called is kept in *key*, and the lock
        is ``KEY/.lock``.  A call that raises does not count, and raises here.  What *function*
        returns is waited for where the flavour can wait for it.  Clocks that differ between
        machines count as they are.

        Raises `consul.LockConflict` for a key that is something else, `consul.LockLost` where the
        lock was lost meanwhile: then it was called, but that is not noted.

        ``GET /v1/kv/:key``, ``PUT /v1/session/create``, ``PUT /v1/txn``
        """
        from consul.recipes.once import run_once

        return run_once(self, key, function, every)
