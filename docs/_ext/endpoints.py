"""``.. endpoints::``, the table of routes, and ``.. versions::``, those that not all versions have.

``.. keyword-versions::`` has the keywords that not all versions have, ``.. enterprise-methods::``
what only Consul Enterprise has.  They are made from the ``@endpoint`` decorators of the nouns, and
from the facts about Consul's endpoints.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import interface
from docutils import nodes
from interface import OLDEST, needed, numbers, shortened
from reference import Sourced
from sphinx import addnodes


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
        removed = f"before {shortened(self.removed)}" if self.removed else ""
        known = {"since": self.since, "enterprise": self.enterprise}
        return ", ".join(filter(None, (needed(known), removed)))


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
    """The endpoints that some of the tested versions lack, by version."""

    def made(self) -> list[nodes.Node]:
        found = [
            (version, f"{word} {shortened(version)}", link(each))
            for each in endpoints()
            for version, word in ((each.since, "since"), (each.removed, "before"))
            if version and numbers(version) > OLDEST
        ]
        return [by_version("Methods", found)]


class KeywordVersions(Sourced):
    """The keywords that some of the tested versions lack, by version."""

    def made(self) -> list[nodes.Node]:
        takers: dict[tuple[str, str], list[nodes.Node]] = {}
        for each in endpoints():
            for keyword, row in each.method.newer.items():
                # What namespaces and partitions need is said once.
                if row["name"].lower() not in ("ns", "namespace", "partition") and "since" in row:
                    refused = keyword in each.method.route.ignores
                    marks = ["Enterprise"] * bool(row.get("enterprise")) + ["refused"] * refused
                    cell = nodes.inline("", "", link(each))
                    if marks:
                        cell += nodes.Text(f" ({', '.join(marks)})")
                    takers.setdefault((row["since"], keyword), []).append(cell)
        found = []
        for (since, keyword), cells in sorted(takers.items(), key=lambda item: item[0][1]):
            start = [nodes.emphasis(text=keyword), nodes.Text(" of ")]
            cell = nodes.inline("", "", *start, joined(cells))
            found.append((since, f"since {shortened(since)}", cell))
        return [by_version("Keywords", found, "; ")]


def by_version(
    title: str, found: list[tuple[str, str, nodes.Node]], between: str = ", "
) -> nodes.table:
    """A table of what was *found*: a version, a text for it, and a cell."""
    groups: dict[str, list[nodes.Node]] = {}
    for _, text, cell in sorted(found, key=lambda row: (numbers(row[0]), row[1])):
        groups.setdefault(text, []).append(cell)
    rows = [(nodes.Text(text), joined(cells, between)) for text, cells in groups.items()]
    return table((20, 80), ("Consul", title), rows)


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


def joined(cells: Iterable[nodes.Node], between: str = ", ") -> nodes.Node:
    found = nodes.inline()
    for number, cell in enumerate(cells):
        found += [nodes.Text(between), cell] if number else [cell]
    return found


def table(
    widths: tuple[int, ...], head: tuple[str, ...], rows: Iterable[tuple[nodes.Node, ...]]
) -> nodes.table:
    """A table of cells that are inline nodes."""
    found = nodes.table(classes=["colwidths-given"])
    group = nodes.tgroup(cols=len(widths))
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
    app.add_directive("keyword-versions", KeywordVersions)
    app.add_directive("enterprise-methods", Enterprise)
    return {"version": "3", "parallel_read_safe": True}
