"""``.. endpoints::``, the table of routes, made from the ``@endpoint`` decorators of the nouns.

The sources are read, not imported.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from docutils import nodes
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parent.parent.parent
API = ROOT / "consul" / "api"


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

    @property
    def versions(self) -> str:
        texts = [self.since and f"since {self.since}", self.removed and f"before {self.removed}"]
        return ", ".join(filter(None, texts))


def methods(file: Path) -> Iterator[Endpoint]:
    """Every endpoint method of a module."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    noun = module.removeprefix("consul.api.")
    for kind in ast.parse(file.read_text(encoding="utf-8")).body:
        for method in getattr(kind, "body", ()):
            for decorator in getattr(method, "decorator_list", ()):
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "endpoint":
                    facts = {word.arg: ast.literal_eval(word.value) for word in decorator.keywords}
                    yield Endpoint(
                        ast.literal_eval(decorator.args[0]),
                        f"{module}.{kind.name}.{method.name}",
                        f"client.{noun}.{method.name}()",
                        facts.get("since"),
                        facts.get("removed"),
                    )


def endpoints() -> list[Endpoint]:
    """All of them, in the order of their paths."""
    found = [row for file in API.rglob("*.py") for row in methods(file)]
    return sorted(found, key=lambda row: (row.route.partition(" ")[::-1], row.target))


class Endpoints(SphinxDirective):
    def run(self) -> list[nodes.Node]:
        for file in API.rglob("*.py"):
            self.env.note_dependency(str(file))
        table, group = nodes.table(), nodes.tgroup(cols=3)
        table += group
        group += [nodes.colspec(colwidth=width) for width in (50, 35, 15)]
        head, body = nodes.thead(), nodes.tbody()
        group += [head, body]
        head += row(nodes.Text("Endpoint"), nodes.Text("Method"), nodes.Text("Consul"))
        for each in endpoints():
            link = addnodes.pending_xref(
                "",
                reftype="meth",
                refdomain="py",
                reftarget=each.target,
                refexplicit=True,
                refwarn=True,
            )
            link += nodes.literal(text=each.shown)
            body += row(nodes.literal(text=each.route), link, nodes.Text(each.versions))
        return [table]


def row(*cells: nodes.Node) -> nodes.row:
    line = nodes.row()
    for cell in cells:
        line += nodes.entry("", nodes.paragraph("", "", cell))
    return line


def setup(app: Any) -> dict[str, Any]:
    app.add_directive("endpoints", Endpoints)
    return {"version": "2", "parallel_read_safe": True}
