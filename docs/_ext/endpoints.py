"""``.. endpoints::``, the table of routes, and ``.. versions::``, those that not all versions have.

Both are made from the ``@endpoint`` decorators of the nouns, and from the facts about Consul's
endpoints.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import interface
from docutils import nodes
from reference import Sourced, shortened
from sphinx import addnodes

#: The oldest version of Consul that the client is tested with.
OLDEST = (1, 8)


class Endpoint(NamedTuple):
    """One row of the table."""

    #: Like "GET /v1/kv/:key".
    route: str
    #: Like "consul.api.kv.KV.get".
    target: str
    #: Like "client.kv.get()".
    shown: str
    #: Versions of Consul, None for all.
    since: str | None
    removed: str | None
    enterprise: bool
    method: interface.Method

    @property
    def versions(self) -> str:
        """As the table shows it: "" for what every tested version has."""
        found = []
        if self.since and numbers(self.since) > OLDEST:
            found.append(f"since {shortened(self.since)}")
        if self.removed:
            found.append(f"before {shortened(self.removed)}")
        return ", ".join((["Enterprise"] if self.enterprise else []) + found)


def numbers(version: str) -> tuple[int, ...]:
    """The numbers of *version*, without what is zero at its end."""
    found = [int(part) for part in version.split(".")]
    while len(found) > 2 and not found[-1]:
        found.pop()
    return tuple(found)


def endpoints() -> list[Endpoint]:
    """All of them, in the order of their paths."""
    rows = [
        Endpoint(
            f"{each.route.method} {each.route.path}",
            each.target,
            f"client.{each.path}()",
            each.route.since,
            each.route.removed,
            each.facts["enterprise"],
            each,
        )
        for each in interface.endpoints()
    ]
    return sorted(rows, key=lambda row: (row.route.partition(" ")[::-1], row.target))


class Endpoints(Sourced):
    def made(self) -> list[nodes.Node]:
        rows = [
            (nodes.literal(text=each.route), link(each), nodes.Text(each.versions))
            for each in endpoints()
        ]
        return [table((50, 32, 18), ("Endpoint", "Method", "Consul"), rows)]


class Versions(Sourced):
    """The endpoints and keywords that some of the tested versions lack, by version."""

    def made(self) -> list[nodes.Node]:
        found: list[tuple[tuple[int, ...], str, Endpoint, str]] = []
        for each in endpoints():
            for version, word in ((each.since, "since"), (each.removed, "before")):
                if version and numbers(version) > OLDEST:
                    text = f"{word} {shortened(version)}"
                    found.append((numbers(version), text, each, ""))
            for keyword, version in sorted(each.method.route.ignores.items()):
                text = f"since {shortened(version)}"
                found.append((numbers(version), text, each, keyword))
        groups: dict[str, list[nodes.Node]] = {}
        for _, text, each, keyword in sorted(found, key=lambda row: row[:2]):
            cell = nodes.inline()
            cell += link(each)
            if keyword:
                cell += [nodes.Text(" with "), nodes.emphasis(text=keyword)]
            groups.setdefault(text, []).append(cell)
        rows = [(nodes.Text(text), *[joined(cells)]) for text, cells in groups.items()]
        return [table((20, 80), ("Consul", "Methods"), rows)]


class Enterprise(Sourced):
    """The methods whose endpoints only Consul Enterprise has."""

    def made(self) -> list[nodes.Node]:
        found = [link(each) for each in endpoints() if each.enterprise]
        return [nodes.paragraph("", "", joined(found))] if found else []


def link(each: Endpoint) -> nodes.Node:
    found = addnodes.pending_xref(
        "",
        reftype="meth",
        refdomain="py",
        reftarget=each.target,
        refexplicit=True,
        refwarn=True,
    )
    found += nodes.literal(text=each.shown)
    return found


def joined(cells: Iterable[nodes.Node]) -> nodes.Node:
    found = nodes.inline()
    for number, cell in enumerate(cells):
        found += [nodes.Text(", "), cell] if number else [cell]
    return found


def table(
    widths: tuple[int, ...], head: tuple[str, ...], rows: Iterable[tuple[nodes.Node, ...]]
) -> nodes.table:
    """A table of cells that are inline nodes."""
    found, group = nodes.table(), nodes.tgroup(cols=len(widths))
    found += group
    group += [nodes.colspec(colwidth=width) for width in widths]
    group += nodes.thead("", row(*map(nodes.Text, head)))
    group += nodes.tbody("", *[row(*cells) for cells in rows])
    return found


def row(*cells: nodes.Node) -> nodes.row:
    line = nodes.row()
    for cell in cells:
        line += nodes.entry("", nodes.paragraph("", "", cell))
    return line


def setup(app: Any) -> dict[str, Any]:
    app.add_directive("endpoints", Endpoints)
    app.add_directive("versions", Versions)
    app.add_directive("enterprise-methods", Enterprise)
    return {"version": "3", "parallel_read_safe": True}
