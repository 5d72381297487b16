"""The reference: ``.. noun:: PATH``, ``.. structures:: MODULE`` and ``.. structure-index::``.

A page of the reference names its nouns, and no method: what is shown is read from the sources and
from the facts about Consul's endpoints, see `interface`.

``.. noun:: kv`` describes a noun, its methods, and the structures that its module defines.  It
shows how each flavour returns an answer, by the option ``:example:`` or else by the first read of
the noun; ``:no-flavours:`` leaves this out, for a further noun of a page.  The content, an example,
stands before the methods.  ``.. structures:: consul.api.x`` is for a module without a noun.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Collection, Iterable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import interface
from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from interface import needed, shortened
from sphinx import addnodes
from sphinx.directives import ObjectDescription
from sphinx.util.docutils import SphinxDirective

from consul import exceptions, types

ERRORS = [
    name
    for name, kind in vars(exceptions).items()
    if inspect.isclass(kind) and issubclass(kind, exceptions.ConsulException)
]
ERROR = re.compile(rf"(?<![`\w.])({'|'.join(ERRORS)})(?![`\w])")
#: What arguments may be, in the words of the page of common keywords.
TAKEN = {
    "AnyIndex": "index",
    "BinaryIO": "binary file",
    "Duration": "duration",
    "Flag": "flag",
    "Key": "text",
    "Number": "whole number",
    "Progress": "function",
    "Text": "text",
    "float": "seconds",
    "object": "value",
    "str": "text",
}
FLAVOURS = (
    ("``consul.Consul``", "{target} = {call}"),
    ("``consul.threads``", "{target} = {call}.result()"),
    ("``consul.aio``, ``consul.tornado``", "{target} = await {call}"),
    ("``consul.twisted``", "{target} = yield {call}"),
)


# Types.


def structure(name: str, shown: str = "") -> nodes.Node:
    """A link to the structure *name*."""
    link = addnodes.pending_xref(
        "",
        refdomain="py",
        reftype="class",
        reftarget=f"consul.types.{name}",
        refexplicit=True,
        refwarn=True,
    )
    link += nodes.inline(text=shown or name)
    return link


def answer(annotation: str) -> nodes.literal:
    """What comes back, as it looks: ``(index, [ServiceEntry, ...])``."""
    found = nodes.literal()
    found += _merged(_parts(ast.parse(annotation, mode="eval").body))
    return found


def _merged(parts: Iterable[str | nodes.Node]) -> list[nodes.Node]:
    found: list[nodes.Node] = []
    for part in parts:
        if isinstance(part, str) and found and isinstance(found[-1], nodes.Text):
            found[-1] = nodes.Text(found[-1].astext() + part)
        else:
            found.append(nodes.Text(part) if isinstance(part, str) else part)
    return found


def _parts(node: ast.expr) -> list[str | nodes.Node]:
    """The texts and links that stand for an annotation of an answer."""
    if isinstance(node, ast.BinOp):
        return [*_parts(node.left), " or ", *_parts(node.right)]
    if not isinstance(node, ast.Subscript):
        name = ast.unparse(node).rpartition(".")[2]
        if name in types.__all__:
            return [structure(name)]
        return [{"Any": "any value", "object": "any value"}.get(name, name)]
    outer = ast.unparse(node.value).rpartition(".")[2]
    inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    shown = [_parts(each) for each in inner]
    if outer == "Indexed":
        data = ["data"] if ast.unparse(inner[0]) == "Any" else shown[0]
        return ["(index, ", *data, ")"]
    if outer in ("list", "Iterable", "Sequence"):
        return ["list"] if shown == [["any value"]] else ["[", *shown[0], ", ...]"]
    if outer in ("dict", "Mapping"):
        if shown[1:] == [["any value"]] and shown[0] == ["str"]:
            return ["dict"]
        return ["{", *shown[0], ": ", *shown[1], "}"]
    if outer == "Literal":
        return [" or ".join(ast.unparse(each).replace("'", '"') for each in inner)]
    if outer in ("NotRequired", "Required"):
        return shown[0]
    if outer == "Stream":
        return ["stream of ", *shown[0]]
    if outer == "tuple":
        joined = [part for each in shown for part in (", ", *each)][1:]
        return ["(", *joined, ")"]
    # A class of ours with parameters, such as the flavour.
    return [outer]


def taken(annotation: str) -> list[nodes.Node]:
    """What an argument may be, in words."""
    return _merged(_words(ast.parse(annotation, mode="eval").body))


def _words(node: ast.expr) -> list[str | nodes.Node]:
    if isinstance(node, ast.BinOp):
        sides = [each for each in _sides(node) if ast.unparse(each) != "None"]
        found = [_words(each) for each in sides]
        return [part for each in found for part in (" or ", *each)][1:]
    if not isinstance(node, ast.Subscript):
        name = ast.unparse(node).rpartition(".")[2]
        if name in types.__all__:
            return [structure(name)]
        return [TAKEN.get(name, name)]
    outer = ast.unparse(node.value).rpartition(".")[2]
    inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    shown = [_words(each) for each in inner]
    if outer in ("Iterable", "Sequence", "list", "Collection"):
        return ["list of ", *_several(shown[0])]
    if outer in ("Mapping", "dict"):
        plain = shown[1:] in ([["Any"]], [["value"]])
        return ["dict"] if plain else ["dict of ", *_several(shown[1])]
    if outer in ("NotRequired", "Required"):
        return shown[0]
    if outer == "PathLike":
        return ["path"]
    return _parts(node)


def _several(words: list[str | nodes.Node]) -> list[str | nodes.Node]:
    """The plural of one word."""
    only = words[0]
    return [f"{only}s"] if len(words) == 1 and isinstance(only, str) else words


def _sides(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp):
        return [*_sides(node.left), *_sides(node.right)]
    return [node]


# Small nodes.


def paragraph(*parts: str | nodes.Node) -> nodes.paragraph:
    found = nodes.paragraph()
    found += _merged(parts)
    return found


def field(name: str, *content: nodes.Node) -> nodes.field:
    return nodes.field("", nodes.field_name(text=name), nodes.field_body("", *content))


def bullets(items: Iterable[list[nodes.Node]]) -> nodes.bullet_list:
    found = nodes.bullet_list(classes=["simple"])
    for item in items:
        found += nodes.list_item("", *item)
    return found


def keyword(name: str) -> addnodes.pending_xref:
    """A link to the explanation of a common keyword."""
    link = addnodes.pending_xref(
        "",
        refdomain="std",
        reftype="ref",
        reftarget=f"keyword-{name}",
        refexplicit=True,
        refwarn=True,
    )
    link += nodes.inline(text=name, classes=["xref", "std", "std-ref"])
    return link


def separated(parts: Iterable[nodes.Node]) -> list[str | nodes.Node]:
    return [each for part in parts for each in (", ", part)][1:]


# Methods.


class Endpoint(ObjectDescription[str]):
    """``.. py:endpoint:: kv.get``: a method as it is called, and all that is known of it."""

    @property
    def method(self) -> interface.Method:
        noun, _, name = self.arguments[0].rpartition(".")
        return next(each for each in interface.nouns()[noun].methods if each.name == name)

    def get_signatures(self) -> list[str]:
        return ["", *(" ".join(each.chosen_by) for each in self.method.variants[1:])]

    def handle_signature(self, sig: str, signode: addnodes.desc_signature) -> str:
        method = self.method
        signode["fullname"] = method.target
        signode["module"] = method.noun.kind.__module__
        signode["class"] = method.noun.kind.__name__
        prefix = f"client.{method.noun.path}."
        signode += addnodes.desc_addname(prefix, prefix)
        signode += addnodes.desc_name(method.name, method.name)
        listed = addnodes.desc_parameterlist()
        signode += listed
        variants = method.variants
        if sig:
            listed += [_parameter(each.name, "") for each in method.positional if not each.default]
            listed += [_raw("...")]
            listed += [_parameter(*each.split("=")) for each in sig.split()]
        else:
            listed += self._parameters(method)
        # The first variant is the one without choices.
        chosen = [each for each in variants if " ".join(each.chosen_by) == sig]
        returned = addnodes.desc_returns()
        parts = _parts(ast.parse(chosen[0].answer if chosen else method.answer, mode="eval").body)
        returned += _merged(parts)
        signode += returned
        return method.target if not sig else f"{method.target} {sig}"

    def _parameters(self, method: interface.Method) -> list[nodes.Node]:
        found = [_parameter(each.name, each.default) for each in method.positional]
        fields = [_parameter(each.name, "None") for each in method.fields]
        if method.named or fields:
            found.append(_raw("*"))
        found += [_parameter(each.name, each.default) for each in method.named] + fields
        spelled = {each.name for each in (*method.positional, *method.named)}
        if not spelled.issuperset(method.common):
            found.append(_raw("..."))
        return found

    def add_target_and_index(self, name: str, sig: str, signode: addnodes.desc_signature) -> None:
        if sig:
            return
        method = self.method
        signode["ids"].append(name)
        self.state.document.note_explicit_target(signode)
        domain: Any = self.env.get_domain("py")
        domain.note_object(name, "method", name, location=signode)
        for alias in method.aliases:
            domain.note_object(
                f"{method.noun.target}.{alias}", "method", name, aliased=True, location=signode
            )
        entry = f"{method.path}() (method)"
        self.indexnode["entries"].append(("single", entry, name, "", None))

    def _object_hierarchy_parts(self, sig_node: addnodes.desc_signature) -> tuple[str, ...]:
        return (sig_node["module"], sig_node["class"], sig_node["fullname"])

    def _toc_entry_name(self, sig_node: addnodes.desc_signature) -> str:
        return f"{self.method.name}()"

    def before_content(self) -> None:
        self.env.ref_context["py:module"] = self.method.noun.kind.__module__
        self.env.ref_context["py:class"] = self.method.noun.kind.__name__
        self.content = prose(self, "method", self.method.target, self.method.function)

    def after_content(self) -> None:
        forget(self)

    def transform_content(self, content_node: addnodes.desc_content) -> None:
        errors = [each for each in content_node.children if each.astext().startswith("Raises ")]
        for each in errors:
            content_node.remove(each)
        listed = nodes.field_list()
        listed += list(self._fields(errors))
        if listed.children:
            content_node += listed

    def _fields(self, errors: list[nodes.Node]) -> Iterable[nodes.field]:
        method = self.method
        if method.aliases:
            names = [nodes.literal(text=f"{each}()") for each in method.aliases]
            yield field("Also", paragraph(*separated(names)))
        if any(each.comment for each in method.own):
            yield field("Arguments", bullets([_described(method, each)] for each in method.own))
        elif method.own:
            brief = [_brief(method, each) for each in method.own]
            yield field("Arguments", paragraph(*separated(brief)))
        if method.common:
            yield field("Options", paragraph(*separated(map(keyword, method.common))))
        if errors:
            yield field("Errors", *map(_without_verb, errors))
        if method.route is not None:
            yield from _facts(method)


def _without_verb(errors: nodes.Node) -> nodes.Node:
    """A paragraph of errors without the "Raises" that it begins with."""
    first = errors.children[0]
    if isinstance(first, nodes.Text):
        text = first.removeprefix("Raises").lstrip()
        errors.replace(first, nodes.Text(text)) if text else errors.remove(first)
    return errors


def _raw(text: str) -> nodes.Node:
    found = addnodes.desc_parameter()
    found += addnodes.desc_sig_operator(text, text)
    return found


def _parameter(name: str, default: str) -> nodes.Node:
    found = addnodes.desc_parameter()
    found += addnodes.desc_sig_name(name, name)
    if default:
        found += addnodes.desc_sig_operator("=", "=")
        found += nodes.inline(text=default, classes=["default_value"], support_smartquotes=False)
    return found


def _described(method: interface.Method, argument: interface.Field) -> nodes.Node:
    """An argument with what it takes and its comment."""
    comment = f".  {argument.comment}" if argument.comment else ""
    return paragraph(
        nodes.strong(text=argument.name),
        ": ",
        *taken(argument.annotation),
        _needed(method, argument),
        *inline(comment),
    )


def _brief(method: interface.Method, argument: interface.Field) -> nodes.Node:
    found = nodes.inline()
    found += [nodes.strong(text=argument.name), nodes.Text(" ("), *taken(argument.annotation)]
    found += nodes.Text(f"{_needed(method, argument)})")
    return found


def _needed(method: interface.Method, argument: interface.Field) -> str:
    """Which servers have the argument, "" for all of them."""
    text = needed(method.newer.get(argument.name, {})) if method.route else ""
    return f", {text}" if text else ""


def inline(comment: str) -> list[nodes.Node | str]:
    """A comment of the source; what it quotes is code, what it stresses an argument."""
    found: list[nodes.Node | str] = []
    for text in re.split(r"(``[^`]+``|`[^`]+`|\*\w+\*)", comment):
        if text.startswith("`"):
            name = text.strip("`").rpartition(".")[2]
            found.append(structure(name) if name in types.__all__ else nodes.literal(text=name))
        elif text.startswith("*") and len(text) > 1:
            found.append(nodes.emphasis(text=text.strip("*")))
        elif text:
            found.append(text)
    return found


#: Rules of ACLs in the text of the facts.
RULE = re.compile(r"([a-z][\w*.:-]*:(?:read/write|read|write|list)\b)")


def _facts(method: interface.Method) -> Iterable[nodes.field]:
    """What the route and the facts say."""
    route, facts = method.route, method.facts
    yield field("Endpoint", paragraph(nodes.literal(text=f"{route.method} {route.path}")))
    if there := versions(method):
        yield field("Consul", paragraph(there))
    parts = RULE.split(facts["acl"])
    rule = [nodes.literal(text=each) if n % 2 else each for n, each in enumerate(parts) if each]
    yield field("ACL", paragraph(*rule))
    if reads := list(_reads(route.keywords, facts)):
        yield field("Reads", paragraph(*_joined(reads)))
    if route.method != "GET":
        yield field("Repeated", paragraph(_repeated(route)))


def _reads(keywords: Collection[str], facts: dict[str, Any]) -> Iterable[list[str | nodes.Node]]:
    for name in ("index", "hash"):
        if name in keywords:
            yield ["blocking, with ", nodes.emphasis(text=name)]
    if "consistency" in keywords:
        modes = [
            each for each in ("default", "consistent", "stale") if each in facts["consistency"]
        ]
        yield [f"{', '.join(modes[:-1])} or {modes[-1]}"]
    if "cached" in keywords:
        kept = "" if "max_age" in keywords else ", which it keeps up to date"
        yield ["from the agent's cache", kept, ", with ", nodes.emphasis(text="cached")]


def _joined(parts: Iterable[list[str | nodes.Node]]) -> list[str | nodes.Node]:
    return [each for part in parts for each in ("; ", *part)][1:]


def _repeated(route: Any) -> str:
    if not route.repeatable:
        return "never"
    if route.conditions:
        *most, last = route.conditions
        names = f"{', '.join(most)} or {last}" if most else last
        return f"after a failure, but not with {names}"
    return "after a failure"


def versions(method: interface.Method) -> str:
    """Which versions of Consul have the endpoint, as a text; "" for all."""
    route, known = method.route, method.facts
    edition = "Enterprise" if known["enterprise"] else ""
    found = []
    if route.since:
        found.append(f"since {shortened(route.since)}")
    if route.removed:
        found.append(f"before {shortened(route.removed)}")
    for name, version in sorted(route.ignores.items()):
        found.append(f"{name} since {shortened(version)}")
    return ", ".join(filter(None, (edition, *found)))


# Docstrings.


def prose(directive: SphinxDirective, what: str, target: str, of: Any) -> StringList:
    """The docstring of *of* without its route, for parsing."""
    text = inspect.getdoc(of) or ""
    text = re.sub(r"\n*``[A-Z]+ /v1/\S+``\s*$", "", text)
    lines = text.splitlines()
    directive.env.events.emit("autodoc-process-docstring", what, target, of, None, lines)
    linked = [ERROR.sub(r":py:class:`\1 <consul.exceptions.\1>`", line) for line in lines]
    return StringList(linked, source=f"docstring of {target}")


def forget(directive: SphinxDirective) -> None:
    for name in ("py:module", "py:class"):
        directive.env.ref_context.pop(name, None)


class Sourced(SphinxDirective):
    """A directive whose output changes with the modules of the endpoints, and with the facts."""

    def run(self) -> list[nodes.Node]:
        sources = interface.ROOT.joinpath("consul", "api").rglob("*.py")
        extensions = Path(__file__).parent.glob("*.py")
        for file in (*sources, *extensions, interface.FACTS, interface.OPTIONS_PAGE):
            self.env.note_dependency(str(file))
        return self.made()

    def made(self) -> list[nodes.Node]:
        raise NotImplementedError


class Noun(Sourced):
    required_arguments = 1
    has_content = True
    option_spec: ClassVar = {
        "example": directives.unchanged_required,
        "no-flavours": directives.flag,
    }

    def made(self) -> list[nodes.Node]:
        noun = interface.nouns().get(self.arguments[0])
        if noun is None:
            raise self.error(f"there is no noun {self.arguments[0]}")
        found: list[nodes.Node] = [self._target(noun)]
        self.env.ref_context["py:module"] = noun.kind.__module__
        self.env.ref_context["py:class"] = noun.kind.__name__
        lines = prose(self, "class", noun.target, noun.kind)
        found += self.parse_text_to_nodes(lines)
        forget(self)
        if noun.aliases:
            names = [nodes.literal(text=f"client.{each}") for each in noun.aliases]
            found.append(paragraph("The same as ", *separated(names), "."))
        if "no-flavours" not in self.options and noun.methods:
            found += self.parse_text_to_nodes(self._flavours(noun))
        found += self.parse_content_to_nodes()
        lines = [f".. py:endpoint:: {each.path}\n" for each in noun.methods]
        module = import_module(noun.kind.__module__)
        if shown := described(module):
            lines += [".. rubric:: Structures\n", *shown]
        return found + self.parse_text_to_nodes("\n".join(lines))

    def _target(self, noun: interface.Noun) -> nodes.Node:
        target = nodes.target("", "", ids=[noun.target])
        self.state.document.note_explicit_target(target)
        domain: Any = self.env.get_domain("py")
        domain.note_object(noun.target, "class", noun.target, location=target)
        return target

    def _flavours(self, noun: interface.Noun) -> str:
        target, _, call = (self.options.get("example") or example(noun)).partition(" = ")
        lines = [".. list-table::", "   :header-rows: 1", "   :widths: 40 60", ""]
        lines += ["   * - Flavour", "     - An answer"]
        for names, form in FLAVOURS:
            lines += [f"   * - {names}", f"     - ``{form.format(target=target, call=call)}``"]
        return "\n".join([*lines, ""])


def example(noun: interface.Noun) -> str:
    """A call of the noun, with the names of the arguments that have to be given."""
    reads = [each for each in noun.methods if each.route and each.route.method == "GET"]
    method = next((each for each in reads if each.answer.startswith("Indexed")), None)
    method = method or (reads or noun.methods)[0]
    names = ", ".join(each.name for each in method.positional if not each.default)
    target = "index, data" if method.answer.startswith("Indexed") else "answer"
    return f"{target} = client.{method.path}({names})"


# Structures.


class Structure(ObjectDescription[str]):
    """``.. py:structure:: consul.api.kv KVPair``: the keys of a `TypedDict`."""

    @property
    def kind(self) -> Any:
        module, name = self.arguments[0].split()
        return getattr(import_module(module), name)

    def handle_signature(self, sig: str, signode: addnodes.desc_signature) -> str:
        name = self.kind.__name__
        signode += addnodes.desc_addname("consul.types.", "consul.types.")
        signode += addnodes.desc_name(name, name)
        return f"consul.types.{name}"

    def add_target_and_index(self, name: str, sig: str, signode: addnodes.desc_signature) -> None:
        signode["ids"].append(name)
        self.state.document.note_explicit_target(signode)
        domain: Any = self.env.get_domain("py")
        domain.note_object(name, "class", name, location=signode)
        at_home = f"{self.kind.__module__}.{self.kind.__name__}"
        domain.note_object(at_home, "class", name, aliased=True, location=signode)
        entry = f"{self.kind.__name__} (structure)"
        self.indexnode["entries"].append(("single", entry, name, "", None))

    def _object_hierarchy_parts(self, sig_node: addnodes.desc_signature) -> tuple[str, ...]:
        return ("consul.types", self.kind.__name__)

    def _toc_entry_name(self, sig_node: addnodes.desc_signature) -> str:
        return self.kind.__name__

    def before_content(self) -> None:
        self.env.ref_context["py:module"] = self.kind.__module__
        self.content = prose(self, "class", f"consul.types.{self.kind.__name__}", self.kind)

    def after_content(self) -> None:
        forget(self)

    def transform_content(self, content_node: addnodes.desc_content) -> None:
        if self.kind in interface.groups():
            return
        content_node += bullets([_key(each)] for each in interface.fields(self.kind))


def _key(key: interface.Field) -> nodes.Node:
    """A key of a structure with its type and its comment."""
    absent = " (not always)" if key.annotation.startswith("NotRequired[") else ""
    comment = f".  {key.comment}" if key.comment else ""
    parts = (nodes.strong(text=key.name), absent, ": ", answer(key.annotation))
    return paragraph(*parts, *inline(comment))


def described(module: ModuleType) -> list[str]:
    """The descriptions of the structures of *module*, first those that are no keywords."""
    found = sorted(interface.structures(module), key=lambda each: each in interface.groups())
    return [f".. py:structure:: {module.__name__} {each.__name__}\n" for each in found]


class Structures(Sourced):
    required_arguments = 1

    def made(self) -> list[nodes.Node]:
        return self.parse_text_to_nodes("\n".join(described(import_module(self.arguments[0]))))


class StructureIndex(Sourced):
    """The structures by name, each with the first line of its docstring.

    They are those that answers and bodies are made of; with ``:keywords:`` those that are keywords
    of methods.
    """

    option_spec: ClassVar = {"keywords": directives.flag}

    def made(self) -> list[nodes.Node]:
        keywords = "keywords" in self.options
        found = [each for module in interface.modules() for each in interface.structures(module)]
        shown = [
            [paragraph(structure(each.__name__), ": ", first_line(each))]
            for each in sorted(found, key=lambda each: each.__name__.lower())
            if each.__module__ != "consul.api.options" and (each in interface.groups()) == keywords
        ]
        return [bullets(shown)] if shown else []


def first_line(kind: Any) -> str:
    return (inspect.getdoc(kind) or "").partition("\n")[0].replace("``", "")


def setup(app: Any) -> dict[str, Any]:
    app.add_directive("noun", Noun)
    app.add_directive("structures", Structures)
    app.add_directive("structure-index", StructureIndex)
    app.add_directive_to_domain("py", "endpoint", Endpoint)
    app.add_directive_to_domain("py", "structure", Structure)
    return {"version": "1", "parallel_read_safe": True}
