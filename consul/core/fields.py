"""Request bodies: Python's names of their fields, and Consul's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from consul.core.bodies import (
    Kind,
    Struct,
    count,
    given_flag,
    joined,
    opaque,
    plain,
    text_map,
    texts,
)
from consul.core.values import duration, text

#: Words that Consul writes in capitals.
_CAPITALS = frozenset(
    ("acl", "ca", "dns", "http", "id", "tcp", "tls", "ttl", "udp", "uri", "url", "wan")
)

#: The kinds of fields by what their annotations begin with.
_ANNOTATED: dict[str, Kind] = {
    "Text": text,
    "Flag": given_flag,
    "Number": count,
    "Duration": duration,
    "Iterable[Text]": texts,
    "Mapping[str, Text]": text_map,
}


def consul_name(name: str) -> str:
    """Consul's spelling of *name*: ``expiration_ttl`` is ``ExpirationTTL``."""
    return "".join(
        word.upper() if word in _CAPITALS else word.capitalize() for word in name.split("_")
    )


class Fields:
    """The fields of a body, by their names in Python.

    *known* is a TypedDict: `body` takes its keys and no others.  Without it `body` takes any name.
    A key annotated with ``Text``, ``Flag``, ``Number``, ``Duration``, ``Iterable[Text]`` or
    ``Mapping[str, Text]`` is converted accordingly.  *kinds* are the types of other fields, from
    `consul.core.bodies`; the rest is opaque.
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
        self._kinds: dict[str, Kind] = {
            **_annotated(known),
            **dict.fromkeys(durations, duration),
            **(kinds or {}),
        }
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

    def split(self, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Part the keywords *given* to a method: the body, and what is no field of it.

        The keyword ``extra`` is a mapping of further fields, in Consul's spelling.  It needs the
        fields to be *known*.
        """
        known = self._known or frozenset()
        body = self.body(**{name: value for name, value in given.items() if name in known})
        rest = {name: value for name, value in given.items() if name not in known}
        extra = rest.pop("extra", None)
        if extra is not None:
            kinds = {plain(self._spelling(name)): kind for name, kind in self._kinds.items()}
            body = self.joined(body, "extra", Struct(**kinds)("extra", extra))
        return body, rest

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


def _annotated(known: type | None) -> dict[str, Kind]:
    """The kinds that the annotations of *known* name."""
    found: dict[str, Kind] = {}
    for name, annotation in getattr(known, "__annotations__", {}).items():
        written = getattr(annotation, "__forward_arg__", annotation)
        kind = _ANNOTATED.get(str(written).removesuffix(" | None"))
        if kind is not None:
            found[name] = kind
    return found
