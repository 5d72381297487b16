"""``.. endpoints::``, the table of routes, made from the docstrings of the nouns.

The sources are read, not imported.  Every endpoint method's docstring has a line like
``GET /v1/kv/:key`` in double backquotes.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

API = Path(__file__).resolve().parent.parent.parent / "consul" / "api"
ROUTE = re.compile(r"``(GET|PUT|POST|DELETE) (/v1/[^`\s]+)``")


def methods(body: list[ast.stmt], path: str) -> Iterator[tuple[str, str, str]]:
    """Verb, route and dotted name of every endpoint method."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from methods(node.body, f"{path}.{node.name}")
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            for verb, route in ROUTE.findall(ast.get_docstring(node) or ""):
                yield verb, route, f"{path}.{node.name}"


def endpoints() -> list[tuple[str, str, str]]:
    """All of them, in the order of their routes."""
    found = [
        row
        for file in sorted(API.glob("*.py"))
        for row in methods(
            ast.parse(file.read_text(encoding="utf-8")).body, f"consul.api.{file.stem}"
        )
    ]
    return sorted(found, key=lambda row: (row[1], row[0], row[2]))


class Endpoints(SphinxDirective):
    def run(self) -> list[nodes.Node]:
        for file in API.glob("*.py"):
            self.env.note_dependency(str(file))
        table, group = nodes.table(), nodes.tgroup(cols=2)
        table += group
        group += [nodes.colspec(colwidth=60), nodes.colspec(colwidth=40)]
        head, body = nodes.thead(), nodes.tbody()
        group += [head, body]
        head += row(nodes.Text("Endpoint"), nodes.Text("Method"))
        for verb, route, name in endpoints():
            called = name.removeprefix("consul.api.").split(".", 2)
            shown = ".".join(("client", called[0], called[2].lower())) + "()"
            link = addnodes.pending_xref(
                "", reftype="meth", refdomain="py", reftarget=name, refexplicit=True, refwarn=True
            )
            link += nodes.literal(text=shown)
            body += row(nodes.literal(text=f"{verb} {route}"), link)
        return [table]


def row(*cells: nodes.Node) -> nodes.row:
    line = nodes.row()
    for cell in cells:
        line += nodes.entry("", nodes.paragraph("", "", cell))
    return line


def setup(app: Any) -> dict[str, Any]:
    app.add_directive("endpoints", Endpoints)
    return {"version": "1", "parallel_read_safe": True}
