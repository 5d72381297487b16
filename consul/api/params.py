"""Query parameters that several nouns make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from consul.core.bodies import listed
from consul.core.build import node_metas
from consul.core.request import SHORTEST_SECRET
from consul.core.values import Flag, Text, flag, query_text, secret, text

_tags = listed(query_text, "str")


def tags(tag: Text | Iterable[Text] | None) -> tuple[tuple[str, str], ...]:
    """The query parameters for one tag or several."""
    if tag is None:
        return ()
    if isinstance(tag, Iterable) and not isinstance(tag, (str, bytes, bytearray)):
        return tuple(("tag", each) for each in _tags("tag", tag))
    return (("tag", query_text("tag", tag)),)


def selecting(
    filter: Text | None, node_meta: Mapping[str, object] | Iterable[Text] | None = None
) -> tuple[tuple[str, str], ...]:
    """The query parameters for what has to match, of methods where these have a position."""
    if filter is None and node_meta is None:
        return ()
    metas = () if node_meta is None else node_metas(node_meta)
    pairs = tuple(("node-meta", each) for each in metas)
    return pairs if filter is None else (*pairs, ("filter", query_text("filter", filter)))


def one_or_absent(name: str, value: Flag, sent: str = "1") -> str | None:
    """The value of a flag that Consul takes for set whatever its value is: *sent*, or None."""
    return sent if flag(name, value) else None


def text_or_absent(name: str, value: Text | None) -> str | None:
    """*value* of the argument *name*, where the parameter is called otherwise."""
    return None if value is None else text(name, value)


def hidden(name: str, value: Text | None) -> tuple[str, ...]:
    """What must not be shown of a call with the secret *value* in its body."""
    found = "" if value is None else secret(name, value)
    return (found,) if len(found) >= SHORTEST_SECRET else ()
