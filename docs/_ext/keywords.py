"""``.. taken-by:: KEYWORD ...`` and ``.. keyword-groups::``, for the page of common keywords.

All of it is made from the signatures of the endpoint methods, so it cannot fall behind the code.
The option ``:except:`` of ``taken-by`` names methods where the keyword means something else.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar

import interface
from docutils import nodes
from docutils.parsers.rst import directives
from reference import Sourced

from consul import types
from consul.api import options


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
    for method in interface.endpoints():
        takes = keyword in method.route.keywords and method.path not in exceptions
        (with_it if takes else without).append(method)
    if not with_it:
        raise ValueError(f"no endpoint takes {keyword}")
    if not without:
        return "Taken by every endpoint."
    if len(without) < 5:
        return f"Taken by every endpoint except {listed(without)}."
    return f"Taken by {listed(with_it)}."


#: So many methods are listed one by one.
FEW = 6


def listed(found: list[interface.Method]) -> str:
    """The methods with links; many of them by their nouns."""
    if len(found) <= FEW:
        return ", ".join(f":py:meth:`{each.path}() <{each.target}>`" for each in found)
    nouns: dict[str, list[interface.Method]] = {}
    for each in found:
        nouns.setdefault(each.noun.path, []).append(each)
    return "; ".join(_of_noun(each) for each in nouns.values())


def _of_noun(found: list[interface.Method]) -> str:
    noun = found[0].noun
    names = ", ".join(each.name for each in found)
    return f":py:class:`{noun.path} <{noun.target}>`: {names}"


class TakenBy(Sourced):
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


class KeywordGroups(Sourced):
    def made(self) -> list[nodes.Node]:
        every = interface.endpoints()
        lines: list[str] = []
        for group in groups():
            name = group.__name__
            names = ", ".join(f"*{each}*" for each in sorted(group.__annotations__))
            users = [method for method in every if method.group is group]
            lines += [
                f".. py:class:: consul.types.{name}",
                f"   :canonical: {group.__module__}.{name}",
                "",
                f"   {names}.",
                "",
                *([f"   In the signature of {listed(users)}.", ""] if users else []),
            ]
        return self.parse_text_to_nodes("\n".join(lines))


def setup(app: Any) -> dict[str, Any]:
    app.add_directive("taken-by", TakenBy)
    app.add_directive("keyword-groups", KeywordGroups)
    return {"version": "2", "parallel_read_safe": True}
