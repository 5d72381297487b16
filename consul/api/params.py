"""Query parameters that several nouns make."""

from __future__ import annotations

from collections.abc import Sequence

from consul.core.values import true_false


def tags(tag: str | Sequence[str] | None) -> tuple[tuple[str, str], ...]:
    """The query parameters for one tag or several."""
    if tag is None:
        return ()
    return (("tag", tag),) if isinstance(tag, str) else tuple(("tag", each) for each in tag)


def one_or_absent(name: str, value: bool | str) -> str | None:
    """The value of a flag that Consul takes for set whatever its value is: "1", or None."""
    return "1" if true_false(name, value) == "true" else None
