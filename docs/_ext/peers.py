"""``.. peers:: NAME``, for the migrating page: what of another project's interface is here.

`peers.json` has their methods, each with its positional arguments, as their last release has them.
They are compared with the classes of this library, so the page cannot promise more than there is.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from keywords import Keywords

from consul.base import Consul

FILE = Path(__file__).resolve().parent / "peers.json"


class Peer(NamedTuple):
    """What another project offers."""

    name: str
    version: str
    #: Positional arguments by the name of the method, like "kv.get".
    methods: dict[str, tuple[str, ...]]


def peers() -> Iterator[Peer]:
    for name, facts in json.loads(FILE.read_text(encoding="utf-8")).items():
        methods = {method: tuple(names.split()) for method, names in facts["methods"].items()}
        yield Peer(name, facts["version"], methods)


def find(method: str) -> Any:
    """The method of ours that is called the same; None where there is none."""
    found: Any = Consul()
    for part in method.split("."):
        found = getattr(found, part, None)
    return found if callable(found) else None


def positions(ours: Any) -> list[str]:
    """The arguments of *ours* that have a position."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(ours).parameters.values()
    return [each.name for each in parameters if each.kind in kinds]


def keywords(ours: Any) -> frozenset[str]:
    """All keywords that *ours* takes."""
    return frozenset(ours.route.keywords)


def alike(theirs: Sequence[str], ours: Sequence[str]) -> int:
    """How many positional arguments are the same, from the first on."""
    same = 0
    for one, other in zip(theirs, ours, strict=False):
        if one != other:
            break
        same += 1
    return same


def by_noun(methods: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for method in methods:
        noun, _, name = method.rpartition(".")
        found.setdefault(noun, []).append(name)
    return found


class Peers(Keywords):
    required_arguments = 1

    def made(self) -> list[Any]:
        self.env.note_dependency(str(FILE))
        peer = next(each for each in peers() if each.name == self.arguments[0])
        here = {method: ours for method in peer.methods if (ours := find(method)) is not None}
        missing = [method for method in peer.methods if method not in here]
        lines = [
            f"{peer.name} {peer.version} has {len(peer.methods)} methods.  "
            f"{f'{len(here)} of them' if missing else 'All'} are here:",
            "",
            *_table(by_noun(list(here)), "Here"),
        ]
        if missing:
            lines += [f"{len(missing)} are not here:", "", *_table(by_noun(missing), "Not here")]
        rows = list(_differences(peer, here))
        if rows:
            lines += [
                "Give these arguments by keyword, because their position is another one here, or "
                "they have none.  An argument in the last column is not taken:",
                "",
                ".. list-table::",
                "   :header-rows: 1",
                "",
                "   * - Method",
                "     - By keyword",
                "     - Not taken",
                *rows,
                "",
            ]
        return self.parse_text_to_nodes("\n".join(lines))


def _table(methods: dict[str, list[str]], title: str) -> list[str]:
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: 30 70", ""]
    lines += ["   * - Noun", f"     - {title}"]
    for noun, names in methods.items():
        lines += [f"   * - ``{noun}``", f"     - {', '.join(f'``{name}``' for name in names)}"]
    return [*lines, ""]


def _differences(peer: Peer, here: dict[str, Any]) -> Iterator[str]:
    for method, ours in here.items():
        theirs = peer.methods[method]
        rest = theirs[alike(theirs, positions(ours)) :]
        taken = [name for name in rest if name in keywords(ours)]
        lost = [name for name in theirs if name not in keywords(ours)]
        if rest:
            yield f"   * - ``{method}``"
            yield f"     - {_listed(taken)}"
            yield f"     - {_listed(lost)}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"*{name}*" for name in names)


def setup(app: Any) -> dict[str, Any]:
    app.add_directive("peers", Peers)
    return {"version": "1", "parallel_read_safe": True}
