"""The facts about an endpoint, apart from the code that describes its calls."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

#: What the forks of python-consul call a keyword, and its name here.
FORMER = {
    "connections_timeout": "timeout",
    "filter_expr": "filter",
    "nodemeta": "node_meta",
    "servicemeta": "service_meta",
    "skipnodeupdate": "skip_node_update",
}

_ROUTE = re.compile(r"(GET|PUT|POST|DELETE) (/v1/\S+)")
_UNPACKED = re.compile(r"Unpack\[(\w+)\]")


class Route:
    """One endpoint: what the documentation, the tests, hooks and the retry policy know of it.

    *method* (str) and *path* (str) are the verb and the template, like ``/v1/kv/:key``.
    *since* and *removed* are versions of Consul, None for all.  *ignores* has the query
    parameters that older servers ignore in silence, with the version that understands each.
    *name* (str) is that of the Python method, like ``kv.get``.  *options* are the names in its
    ``**options``, *keywords* all its keywords.  *former* has
    those of the forks, with their names here.
    """

    __slots__ = (
        "conditions",
        "former",
        "ignores",
        "keywords",
        "method",
        "name",
        "options",
        "path",
        "removed",
        "repeatable",
        "since",
    )

    def __init__(
        self,
        route: str,
        repeatable: bool | None = None,
        conditions: tuple[str, ...] = (),
        since: str | None = None,
        removed: str | None = None,
        ignores: Mapping[str, str] | None = None,
    ) -> None:
        found = _ROUTE.fullmatch(route)
        if found is None:
            raise ValueError(f"not a route: {route!r}")
        self.method, self.path = found.groups()
        if (repeatable is None) != (self.method == "GET"):
            raise ValueError(f"{route}: repeatable has to be given for writes, and only for those")
        self.repeatable = repeatable is not False
        self.conditions = conditions
        self.since, self.removed = since, removed
        self.ignores = ignores or {}
        self.name = ""
        self.options: frozenset[str] = frozenset()
        self.keywords: frozenset[str] = frozenset()
        self.former: dict[str, str] = {}

    def describes(self, describe: Callable[..., Any]) -> None:
        """Note what the method *describe* is called and takes.

        Its options are named by an annotation, a text like ``Unpack[HealthRead]``.
        """
        noun = describe.__module__.removeprefix("consul.api.")
        self.name = f"{noun}.{describe.__name__}"
        for annotation in describe.__annotations__.values():
            found = _UNPACKED.fullmatch(str(annotation))
            if found is not None:
                self.options = frozenset(describe.__globals__[found[1]].__annotations__)
        code = describe.__code__
        names = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
        self.keywords = self.options.union(names)
        self.former = {
            former: name
            for former, name in FORMER.items()
            # What a signature spells out is the timeout of a check.
            if name in (self.options if name == "timeout" else self.keywords)
        }

    def repeats(self, params: tuple[tuple[str, str], ...]) -> bool:
        """Whether sending a request with *params* twice comes to the same as sending it once."""
        return self.repeatable and not any(name in self.conditions for name, _ in params)

    def is_gated(self, params: tuple[tuple[str, str], ...]) -> bool:
        """Whether a request with *params* has one that older servers ignore."""
        return any(name in self.ignores for name, _ in params)

    def __repr__(self) -> str:
        return f"<Route {self.method} {self.path}>"


#: What the forks of python-consul call a keyword that is given in another form here.
_INSTEAD = {
    "payload": "extra",
    "policies_id": "policies",
    "policies_name": "policies",
    "roles_id": "roles",
    "roles_name": "roles",
}


def renamed(route: Route, given: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords in *given* by the names that they have here."""
    found = {}
    for name, value in given.items():
        now = route.former.get(name)
        if now is None:
            found[name] = value
        # None is "not given" to the forks, where a *timeout* of None is no limit here.
        elif value is not None:
            if now in given:
                raise TypeError(f"{route.name}() got {now} and {name}, which are one keyword")
            found[now] = value
    return found


def refuse(route: Route, given: Mapping[str, Any]) -> TypeError:
    """The error for the keywords in *given* that the endpoint does not take."""
    import difflib

    unknown = sorted(given.keys() - route.keywords)
    instead = _INSTEAD.get(unknown[0])
    near = difflib.get_close_matches(unknown[0], route.keywords, 1)
    if instead in route.keywords:
        hint = f"; use {instead}="
    else:
        hint = f"; did you mean {near[0]!r}?" if near else ""
    names = ", ".join(map(repr, unknown))
    return TypeError(f"{route.name}() got an unexpected keyword argument {names}{hint}")
