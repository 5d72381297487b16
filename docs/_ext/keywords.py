"""``.. taken-by:: KEYWORD ...`` and ``.. keyword-groups::``, for the page of common keywords.

Each endpoint method also gets a line that lists those which it takes.  All of it is made from the
signatures of the endpoint methods, so it cannot fall behind the code.  The option ``:except:`` of
``taken-by`` names methods where the keyword means something else.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any, ClassVar, NamedTuple

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

import consul.api
from consul import types
from consul.api import options

GROUP = re.compile(r"Unpack\[(\w+)\]")


class Method(NamedTuple):
    """One endpoint method."""

    #: Like "kv.get".
    name: str
    #: Like "consul.api.kv.KV.get".
    target: str
    keywords: frozenset[str]
    #: Name of the group in its signature, or "".
    group: str

    @property
    def link(self) -> str:
        return f":py:meth:`{self.name}() <{self.target}>`"


def methods() -> Iterator[Method]:
    """Every endpoint method, by module and in the order of the source."""
    for found in walk_packages(consul.api.__path__, "consul.api."):
        for kind in vars(import_module(found.name)).values():
            if not inspect.isclass(kind) or kind.__module__ != found.name:
                continue
            for name, method in vars(kind).items():
                if hasattr(method, "route"):
                    signature = inspect.signature(method).parameters
                    group = GROUP.fullmatch(
                        str(getattr(signature.get("options"), "annotation", ""))
                    )
                    names = inspect.unwrap(method).__globals__
                    inside = names[group[1]].__annotations__ if group else ()
                    yield Method(
                        method.route.name,
                        f"{found.name}.{kind.__name__}.{name}",
                        frozenset((*signature, *inside)) - {"self", "options"},
                        group[1] if group else "",
                    )


def groups() -> list[Any]:
    """The groups of `consul.api.options` that signatures name, in the order of that module."""
    return [
        kind
        for name, kind in vars(options).items()
        if name in types.__all__ and kind.__module__ == options.__name__
    ]


def takers(keyword: str, exceptions: Collection[str] = ()) -> str:
    """Which endpoints take *keyword*, as a sentence with links."""
    with_it, without = [], []
    for method in methods():
        takes = keyword in method.keywords and method.name not in exceptions
        (with_it if takes else without).append(method)
    if not with_it:
        raise ValueError(f"no endpoint takes {keyword}")
    if not without:
        return "Taken by every endpoint."
    if len(without) < 5:
        return f"Taken by every endpoint except {listed(without)}."
    return f"Taken by {listed(with_it)}."


def listed(found: list[Method]) -> str:
    return ", ".join(method.link for method in found)


class Keywords(SphinxDirective):
    """A directive whose output changes with the modules of the endpoints."""

    def run(self) -> list[nodes.Node]:
        for folder in consul.api.__path__:
            for file in Path(folder).rglob("*.py"):
                self.env.note_dependency(str(file))
        return self.made()

    def made(self) -> list[nodes.Node]:
        raise NotImplementedError


class TakenBy(Keywords):
    required_arguments = 1
    optional_arguments = 3
    option_spec: ClassVar = {"except": directives.unchanged_required}

    def made(self) -> list[nodes.Node]:
        try:
            exceptions = self.options.get("except", "").split()
            texts = {takers(keyword, exceptions) for keyword in self.arguments}
            if len(texts) > 1:
                raise ValueError(f"{self.arguments} are not taken by the same endpoints")
            return self.parse_text_to_nodes(texts.pop())
        except ValueError as error:
            raise self.error(str(error)) from error


class KeywordGroups(Keywords):
    def made(self) -> list[nodes.Node]:
        every = list(methods())
        lines: list[str] = []
        for group in groups():
            name = group.__name__
            names = ", ".join(f"*{each}*" for each in sorted(group.__annotations__))
            users = [method for method in every if method.group == name]
            lines += [
                f".. py:class:: consul.types.{name}",
                f"   :canonical: {group.__module__}.{name}",
                "",
                f"   {names}.",
                "",
                *([f"   In the signature of {listed(users)}.", ""] if users else []),
            ]
        return self.parse_text_to_nodes("\n".join(lines))


def list_options(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Name the keywords that a signature hides behind ``**options``, each with a link."""
    route = getattr(obj, "route", None)
    if what != "method" or route is None or not route.options:
        return
    common = {each for group in groups() for each in group.__annotations__}
    links = ", ".join(f":ref:`{each} <keyword-{each}>`" for each in sorted(route.options & common))
    # The last paragraph is the route.
    lines[-2:-2] = ["", f"Options: {links}."]


def setup(app: Any) -> dict[str, Any]:
    app.add_directive("taken-by", TakenBy)
    app.add_directive("keyword-groups", KeywordGroups)
    app.connect("autodoc-process-docstring", list_options)
    return {"version": "1", "parallel_read_safe": True}
