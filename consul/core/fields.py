"""Request bodies: Python's names of their fields, and Consul's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from consul.core.bodies import Kind, joined, opaque
from consul.core.values import duration

#: Words that Consul writes in capitals.
_CAPITALS = frozenset(("acl", "dns", "http", "id", "tcp", "tls", "ttl", "udp", "url"))


def consul_name(name: str) -> str:
    """Consul's spelling of *name*: ``expiration_ttl`` is ``ExpirationTTL``."""
    return "".join(
        word.upper() if word in _CAPITALS else word.capitalize() for word in name.split("_")
    )


class Fields:
    """The fields of a body, by their names in Python.

    *known* is a TypedDict: `body` takes its keys and no others.  Without it `body` takes any name.
    *kinds* are the types of the fields, from `consul.core.bodies`; the others are opaque.
    *durations* are the names of the fields that `consul.core.values.duration` converts.  *as_is*
    are the names that Consul is given as they are.  *spelled* gives the spellings that
    `consul_name` does not make, such as ``node_id="ID"``.
    """

    def __init__(
        self,
        known: type | None = None,
        *,
        kinds: Mapping[str, Kind] | None = None,
        durations: Iterable[str] = (),
        as_is: Iterable[str] = (),
        **spelled: str,
    ) -> None:
        self._known = None if known is None else frozenset(known.__annotations__)
        self._kinds: dict[str, Kind] = {**dict.fromkeys(durations, duration), **(kinds or {})}
        self._spellings = {**{name: name for name in as_is}, **spelled}

    def body(self, /, **given: Any) -> dict[str, Any]:
        """Return *given* in Consul's spelling and in its order, without what is None.

        Raises TypeError for an unknown name, and what the kinds of the fields raise.
        """
        if self._known is not None and not self._known.issuperset(given):
            unknown = sorted(given.keys() - self._known)
            raise TypeError(f"unexpected keyword argument {', '.join(map(repr, unknown))}")
        return {
            self._spelling(name): self._kinds.get(name, opaque)(name, value)
            for name, value in given.items()
            if value is not None
        }

    def joined(
        self,
        body: Mapping[str, Any],
        name: str,
        more: Mapping[str, Any],
        alike: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """*body*, made by `body`, with *more* added, as `consul.core.bodies.joined` does it."""
        arguments = {spelling: argument for argument, spelling in self._spellings.items()}
        return joined(body, arguments, name, more, alike)

    def _spelling(self, name: str) -> str:
        spelling = self._spellings.get(name)
        if spelling is None:
            spelling = self._spellings[name] = consul_name(name)
        return spelling
