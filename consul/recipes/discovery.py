"""The live instances of a service, and the choice of one of them."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from consul.core.flavour import F, recipe
from consul.core.steps import Certain, Now, wait_any
from consul.core.values import at_least_one, bracketed, seconds, time_limit
from consul.exceptions import NoInstance, NotReady, Timeout
from consul.recipes.managed import Managed
from consul.recipes.polls import Read
from consul.recipes.watch import Watched

if TYPE_CHECKING:
    from consul.core.request import Duration
    from consul.core.steps import Steps
    from consul.core.values import Text

#: How one of several instances is chosen.
POLICIES = ("random", "round_robin", "weighted", "least_used", "nearest")
#: Seconds for which an instance that has failed is not chosen.
REST = 10.0

#: From the best to the worst.
_STATUSES = ("passing", "warning", "critical")


class Instance(NamedTuple):
    """One instance of a service."""

    #: That of the service; where it has none, that of its node.
    address: str
    #: 0 where it has none.
    port: int
    id: str
    #: Name of its node.
    node: str
    tags: tuple[str, ...]
    meta: Mapping[str, str]
    #: Its share of the requests, among those of the others; it depends on the status.
    weight: int
    #: The worst of its checks: "passing", "warning" or "critical".
    status: str

    def url(self, path: str = "", scheme: str = "http") -> str:
        """The URL of *path* at this instance; an IPv6 address is in brackets."""
        port = f":{self.port}" if self.port else ""
        slash = "" if not path or path.startswith("/") else "/"
        return f"{scheme}://{bracketed(self.address)}{port}{slash}{path}"


def instance_of(entry: Any) -> Instance:
    """The instance that *entry* of ``health.service`` describes."""
    service, node = entry["Service"], entry["Node"]
    status = max((check["Status"] for check in entry["Checks"] or ()), key=_rank, default="passing")
    weights = service.get("Weights") or {}
    weight = weights.get("Warning", 1) if status == "warning" else weights.get("Passing", 1)
    return Instance(
        service.get("Address") or node["Address"],
        service.get("Port") or 0,
        service["ID"],
        node["Node"],
        tuple(service.get("Tags") or ()),
        service.get("Meta") or {},
        weight,
        status,
    )


def _rank(status: str) -> int:
    return _STATUSES.index(status) if status in _STATUSES else len(_STATUSES)


class Discovery(Managed[F]):
    """The live instances of one service, kept up to date in the background from the first use on.

    What does no I/O raises `consul.NotReady` before the first answer; `wait` waits for it.  The
    last good list stays while the agent is away.
    """

    def __init__(
        self,
        client: Any,
        name: Text,
        dc: Text | Iterable[Text] | None,
        policy: str,
        rest: Duration,
        options: Mapping[str, Any],
    ) -> None:
        super().__init__(client)
        import random

        self._chance = random.Random()
        self._name, self._near = name, options.get("near")
        self._policy = self._checked(policy)
        self._rest = seconds("rest", rest)
        single = dc is None or isinstance(dc, (str, bytes)) or not isinstance(dc, Iterable)
        places: list[Any] = [dc] if single else list(dc)  # type: ignore[arg-type]
        if not places:
            raise ValueError("dc must name a datacenter, or be left out")
        read = client.health.service
        self._views: list[Watched[Any, F]] = [
            Watched(client, Read(client, read, (name,), {**options, "dc": place}))
            for place in places
        ]
        self._turn = itertools.count()
        #: The requests of each instance that are being made, each a None: a deque needs no lock.
        self._used: dict[tuple[str, str], deque[None]] = {}
        #: Until when each instance rests, on the clock of steps.
        self._resting: dict[tuple[str, str], float] = {}
        #: The last answers that were read, and what instances they have.
        self._read: tuple[Any, tuple[Instance, ...]] = (None, ())

    def _checked(self, policy: str) -> str:
        if policy not in POLICIES:
            raise ValueError(f"policy must be one of {', '.join(POLICIES)}: {policy!r}")
        if policy == "nearest" and self._near is None:
            raise ValueError("policy 'nearest' needs near, such as near='_agent'")
        return policy

    def _latest(self) -> tuple[Instance, ...]:
        not_ready = None
        # All of them begin: the next one has to be there when it is needed.
        values: list[Any] = []
        for view in self._views:
            try:
                values.append(view.value)
            except NotReady as error:
                not_ready = not_ready or error
        if not values and not_ready is not None:
            raise not_ready
        entries = next((value for value in values if value), ())
        known, instances = self._read
        if known is not entries:
            instances = tuple(instance_of(entry) for entry in entries)
            self._read = entries, instances
        return instances

    # What does no I/O

    @property
    def instances(self) -> tuple[Instance, ...]:
        """All live instances: those of the first datacenter that has any."""
        return self._latest()

    @property
    def age(self) -> float:
        """Seconds since the agent gave an answer."""
        self._latest()
        return min(view.age for view in self._views if view.ready)

    @property
    def error(self) -> BaseException | None:
        """What is wrong at present; None while all is well."""
        return next((view.error for view in self._views if view.error is not None), None)

    def pick(self, policy: str | None = None) -> Instance:
        """Choose an instance that does not rest, or any where all of them do.

        *policy* is "random", "round_robin", "weighted" (by their weights), "least_used" (that with
        the fewest requests of `using`) or "nearest" (the first in the order of *near*).  Raises
        `consul.NoInstance` where there is none.
        """
        policy = self._policy if policy is None else self._checked(policy)
        found = self._latest()
        if not found:
            raise NoInstance(f"there is no live instance of {self._name!r}")
        now = self._client.http.now()
        awake = [each for each in found if self._resting.get(_key(each), 0.0) <= now]
        choice = awake or list(found)
        if policy == "nearest":
            return choice[0]
        if policy == "round_robin":
            choice.sort(key=_key)
            return choice[next(self._turn) % len(choice)]
        if policy == "weighted":
            weights = [each.weight for each in choice]
            if any(weights):
                return self._chance.choices(choice, weights)[0]
        if policy == "least_used":
            uses = [len(self._used.get(_key(each), ())) for each in choice]
            choice = [each for each, use in zip(choice, uses, strict=True) if use == min(uses)]
        return self._chance.choice(choice)

    @contextmanager
    def using(self, policy: str | None = None) -> Iterator[Instance]:
        """``with view.using() as instance``: choose one, and count it as used in the block.

        An exception in the block is reported as a failure of the instance.  There is no I/O, so it
        is a plain ``with`` in every flavour.
        """
        instance = self.pick(policy)
        uses = self._used.setdefault(_key(instance), deque())
        uses.append(None)
        try:
            yield instance
        except Exception:
            self.report_failure(instance)
            raise
        finally:
            uses.pop()

    def report_failure(self, instance: Instance) -> None:
        """Do not choose *instance* for some seconds, unless there is no other one."""
        now = self._client.http.now()
        for key, end in list(self._resting.items()):
            if end <= now:
                self._resting.pop(key, None)
        self._resting[_key(instance)] = now + self._rest

    def on_change(self, callback: Callable[[tuple[Instance, ...]], object]) -> Callable[[], None]:
        """Have *callback* called with the instances whenever they change, in the background.

        Returns a function that takes it off again.
        """
        if not callable(callback):
            raise TypeError(f"callback must be callable: {callback!r}")

        def changed(_: Any) -> object:
            return callback(self._latest())

        removals = [view.on_change(changed) for view in self._views]

        def remove() -> None:
            for each in removals:
                each()

        return remove

    # What does

    @recipe
    def wait(self, timeout: Duration | None = None) -> Steps[tuple[Instance, ...]]:
        """Wait for the first answer; the instances, of which there may be none.

        Raises `consul.Timeout` where there is no answer within *timeout* (seconds, "10s" or a
        timedelta), and what the read has failed with, where asking again does not mend it.
        """
        return self._waiting(0, time_limit("timeout", timeout))

    @recipe
    def wait_for(self, n: int = 1, timeout: Duration | None = None) -> Steps[tuple[Instance, ...]]:
        """Wait until there are *n* instances; all there are.

        Raises like `wait`.
        """
        return self._waiting(at_least_one("n", n), time_limit("timeout", timeout))

    async def _waiting(self, least: int, limit: float | None) -> tuple[Instance, ...]:
        end = None if limit is None else await Now() + limit
        while True:
            changes = [view.changes.next for view in self._views]
            try:
                found = self._latest()
            except NotReady as error:
                found, trouble = (), error.__cause__
            else:
                trouble = self.error
                if len(found) >= least:
                    return found
            left = None if end is None else end - await Now()
            if left is not None and left <= 0:
                told = f"not {least} live instances" if least else "no answer"
                raise Timeout(f"{told} of {self._name!r} within {limit:g} s") from trouble
            await wait_any(changes, left)

    @recipe
    def close(self) -> Steps[None]:
        """End it; the instances stay.  Leaving the block does it as well."""
        return Certain(self._closing)

    async def _closing(self) -> None:
        for view in self._views:
            await view._close()

    async def _enter(self) -> None:
        for view in self._views:
            view.begin()

    async def _leave(self, error: BaseException | None) -> None:
        await self._closing()

    def __repr__(self) -> str:
        return f"<Discovery of {self._name!r}>"


def _key(instance: Instance) -> tuple[str, str]:
    return instance.node, instance.id
