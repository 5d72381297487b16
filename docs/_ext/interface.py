"""What users can call, read from the nouns: their methods, arguments, options and structures.

Signatures and groups of options have annotations as text.  The annotations and comments of a
`TypedDict` are read from its source, where each key stands in the class that defines it.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import ModuleType
from typing import Any, NamedTuple, is_typeddict

import consul.api
from consul import types
from consul.api import options
from consul.api.noun import Noun as NounClass
from consul.base import Consul

ROOT = Path(__file__).resolve().parent.parent.parent
#: What is known of Consul's endpoints, whether there is a method or not.
FACTS = ROOT / "tests" / "unit" / "endpoints.json"
OPTIONS_PAGE = ROOT / "docs" / "api" / "options.rst"
_UNPACKED = re.compile(r"Unpack\[(\w+)\]")


#: Parameters of queries whose keyword is not spelled like them.
RENAMED = {"sg": "sameness_group"}
#: The oldest version of Consul that the client is tested with.
OLDEST = (1, 8)


def plain(name: str) -> str:
    """A keyword, parameter or field as they compare."""
    return name.replace("-", "").replace("_", "").lower()


def numbers(version: str) -> tuple[int, ...]:
    """The numbers of *version*, without what is zero at its end."""
    found = [int(part) for part in version.split(".")]
    while len(found) > 2 and not found[-1]:
        found.pop()
    return tuple(found)


def shortened(version: str) -> str:
    """A version as people say it: 1.11 for 1.11.0."""
    return re.sub(r"^(\d+\.\d+)\.0$", r"\1", version)


def needed(row: dict[str, Any]) -> str:
    """What a server must be to have what *row* is about; "" where every tested one has it."""
    since = row.get("since")
    new = f"since {shortened(since)}" if since and numbers(since) > OLDEST else ""
    return ", ".join(filter(None, ("Enterprise" if row.get("enterprise") else "", new)))


class Field(NamedTuple):
    """An argument of a method, or a key of a structure."""

    name: str
    #: Annotation, as it is written.
    annotation: str
    #: What its comment says; arguments have none.
    comment: str = ""
    #: Written value of the default; "" where it has to be given.
    default: str = ""
    #: The `TypedDict` that defines it, None for an argument.
    owner: Any = None


class Variant(NamedTuple):
    """One of several signatures of a method."""

    #: Arguments that choose it, like "recurse=True".
    chosen_by: tuple[str, ...]
    answer: str


class Method:
    """A method of a noun.

    *path* is like "kv.get".  *aliases* are its further names.
    """

    def __init__(self, noun: Noun, function: Callable[..., Any], aliases: tuple[str, ...]) -> None:
        self.noun, self.function, self.aliases = noun, function, aliases
        self.name = function.__name__
        self.path = f"{noun.path}.{self.name}"
        #: Like "consul.api.kv.KV.get".
        self.target = f"{noun.target}.{self.name}"
        #: None for what is no endpoint.
        self.route = getattr(function, "route", None)

    @property
    def facts(self) -> dict[str, Any]:
        """What is known of its endpoint."""
        if self.route is None:
            return {}
        return facts()[self.route.method, re.sub(r":\w+", "{}", self.route.path)]

    @cached_property
    def newer(self) -> dict[str, dict[str, Any]]:
        """What is known of the parameters and fields that not every server has, by keyword."""
        rows = (*self.facts.get("query", ()), *self.facts.get("body", ()))
        known = {plain(RENAMED.get(row["name"], row["name"])): row for row in rows}
        found = {name: known.get(plain(name), {}) for name in sorted(self.route.keywords)}
        return {name: row for name, row in found.items() if needed(row)}

    @cached_property
    def _parameters(self) -> list[inspect.Parameter]:
        return list(inspect.signature(self.function).parameters.values())[1:]

    @property
    def group(self) -> Any:
        """The group of keywords that its signature names; None where it names none."""
        for parameter in self._parameters:
            found = _UNPACKED.fullmatch(str(parameter.annotation))
            if found is not None:
                return inspect.unwrap(self.function).__globals__[found[1]]
        return None

    @cached_property
    def positional(self) -> list[Field]:
        """What has a position."""
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        return [_argument(each) for each in self._parameters if each.kind in kinds]

    @cached_property
    def named(self) -> list[Field]:
        """What the signature spells out and takes by keyword only."""
        kind = inspect.Parameter.KEYWORD_ONLY
        return [_argument(each) for each in self._parameters if each.kind is kind]

    @cached_property
    def fields(self) -> list[Field]:
        """The keywords of its own group: not those that many endpoints have in common."""
        found = fields(self.group) if self.group is not None else []
        return [each for each in found if each.owner.__module__ != options.__name__]

    @cached_property
    def common(self) -> list[str]:
        """The keywords that the page of common keywords explains, in that page's order."""
        spelled = {each.name for each in (*self.positional, *self.named)}
        grouped = fields(self.group) if self.group is not None else []
        spelled |= {each.name for each in grouped if each.owner.__module__ == options.__name__}
        return [name for name in common_keywords() if name in spelled and self.is_common(name)]

    def is_common(self, name: str) -> bool:
        """Whether the keyword *name* means here what it means everywhere."""
        return name in common_keywords() and self.path not in common_keywords()[name]

    @property
    def own(self) -> list[Field]:
        """Its arguments and fields, without the common keywords."""
        spelled = (*self.positional, *self.named)
        return [each for each in spelled if not self.is_common(each.name)] + self.fields

    @property
    def answer(self) -> str:
        """What it returns in the blocking flavour, as an annotation."""
        return _answer(str(inspect.signature(self.function).return_annotation))

    @cached_property
    def variants(self) -> list[Variant]:
        """What it returns by its arguments, where its answer depends on them."""
        tree = source(sys.modules[self.noun.kind.__module__])
        return list(_variants(tree, self.noun.kind.__name__, self.name))


class Noun(NamedTuple):
    """A group of methods."""

    #: Like "agent.service".
    path: str
    kind: Any
    #: Other attributes that have the same methods, like "acl.tokens".
    aliases: tuple[str, ...]

    @property
    def target(self) -> str:
        return f"{self.kind.__module__}.{self.kind.__name__}"

    @property
    def methods(self) -> list[Method]:
        """In the order of the source; a method of a base class comes first."""
        names: dict[str, Any] = {}
        for kind in reversed(self.kind.__mro__):
            if issubclass(kind, NounClass) and kind is not NounClass:
                names |= {
                    name: found
                    for name, found in vars(kind).items()
                    if inspect.isfunction(found) and not name.startswith("_")
                }
        return [
            Method(
                self,
                function,
                tuple(a for a, f in names.items() if f is function and a != function.__name__),
            )
            for name, function in names.items()
            if name == function.__name__ and self._has(name, function)
        ]

    def _has(self, name: str, function: Any) -> bool:
        """Whether *function* belongs here; an endpoint may also be reached through other nouns."""
        route = getattr(function, "route", None)
        return route is None or route.name == f"{self.path}.{name}"


def _walk(owner: Any, path: str = "") -> Iterator[tuple[str, type]]:
    for name in dir(type(owner)):
        # The attribute agent of a noun is its client.
        if not name.startswith("_") and (name != "agent" or not path):
            found = getattr(owner, name)
            # A further name of the noun itself leads nowhere.
            if isinstance(found, NounClass) and found is not owner:
                yield f"{path}{name}", type(found)
                yield from _walk(found, f"{path}{name}.")


@cache
def nouns() -> dict[str, Noun]:
    """Every noun by its path, which is that of its module."""
    paths: dict[type, list[str]] = {}
    for path, kind in _walk(Consul()):
        paths.setdefault(kind, []).append(path)
    found = []
    for kind, known in paths.items():
        home = kind.__module__.removeprefix("consul.api.")
        path = home if home in known else known[0]
        found.append(Noun(path, kind, tuple(each for each in known if each != path)))
    return {each.path: each for each in sorted(found)}


def methods() -> list[Method]:
    """Every method of every noun."""
    return [method for noun in nouns().values() for method in noun.methods]


def endpoints() -> list[Method]:
    """Those that are endpoints."""
    return [method for method in methods() if method.route is not None]


@cache
def facts() -> dict[tuple[str, str], dict[str, Any]]:
    """What is known of each endpoint, by its verb and its path."""
    rows = json.loads(FACTS.read_text(encoding="utf-8"))
    return {(row["method"], re.sub(r"\{\w+\}", "{}", row["path"])): row for row in rows}


@cache
def common_keywords() -> dict[str, tuple[str, ...]]:
    """The keywords that `OPTIONS_PAGE` explains, each with the methods where it is another one."""
    text = OPTIONS_PAGE.read_text(encoding="utf-8")
    names = re.findall(r"^   \.\. _keyword-(\w+):$", text, re.MULTILINE)
    found: dict[str, tuple[str, ...]] = dict.fromkeys(names, ())
    for words, exceptions in re.findall(
        r"^   \.\. taken-by:: (.+)\n      :except: (.+)$", text, re.MULTILINE
    ):
        found.update(dict.fromkeys(words.split(), tuple(exceptions.split())))
    return found


def modules() -> list[ModuleType]:
    """Every module of the nouns."""
    return [import_module(each.name) for each in walk_packages(consul.api.__path__, "consul.api.")]


@cache
def source(module: ModuleType) -> ast.Module:
    """The module, parsed."""
    return ast.parse(inspect.getsource(module))


def structures(module: ModuleType) -> list[Any]:
    """The structures that *module* defines for users, in the order of the source."""
    return [
        kind
        for name, kind in vars(module).items()
        if is_typeddict(kind) and kind.__module__ == module.__name__ and name in types.__all__
    ]


@cache
def groups() -> frozenset[Any]:
    """The structures that are keywords of methods, with those that they are made of."""
    found: set[Any] = set()
    for method in methods():
        if method.group is not None:
            found |= {method.group, *(each.owner for each in fields(method.group))}
    return frozenset(found)


@cache
def fields(kind: Any) -> list[Field]:
    """The keys of a `TypedDict`, those of its bases first."""
    module = sys.modules[kind.__module__]
    lines = inspect.getsource(module).splitlines()
    found: dict[str, Field] = {}
    for node in source(module).body:
        if isinstance(node, ast.ClassDef) and node.name == kind.__name__:
            for base in node.bases:
                parent = vars(module).get(ast.unparse(base))
                if is_typeddict(parent):
                    found |= {each.name: each for each in fields(parent)}
            for line in node.body:
                if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
                    name = line.target.id
                    comment = _comment(lines, line.lineno - 1)
                    annotation = ast.unparse(line.annotation)
                    found[name] = Field(name, annotation, comment, owner=kind)
    for name, annotation in kind.__annotations__.items():
        # Made by a call: its keys are no names.
        written = str(getattr(annotation, "__forward_arg__", annotation))
        found.setdefault(name, Field(name, written, owner=kind))
    return list(found.values())


def _comment(lines: list[str], number: int) -> str:
    """The ``#:`` lines right before line *number*."""
    found: list[str] = []
    while number and lines[number - 1].lstrip().startswith("#:"):
        number -= 1
        found.insert(0, lines[number].strip()[2:].strip())
    return " ".join(found)


def _argument(parameter: inspect.Parameter) -> Field:
    default = "" if parameter.default is parameter.empty else repr(parameter.default)
    return Field(parameter.name, str(parameter.annotation), default=default)


def _answer(annotation: str) -> str:
    """*annotation* without the ``Call`` around it; a `Listening` call gives a `Stream`."""
    found = ast.parse(annotation, mode="eval").body
    if isinstance(found, ast.Subscript) and ast.unparse(found.value) == "Listening":
        return f"Stream[{ast.unparse(found.slice)}]"
    if isinstance(found, ast.Subscript) and ast.unparse(found.value) in ("Call", "Steps"):
        return ast.unparse(found.slice)
    return annotation


def _variants(tree: ast.Module, kind: str, name: str) -> Iterator[Variant]:
    """The signatures of a method that a decorator like `consul.core.flavour.variants` names."""
    functions: dict[str, ast.FunctionDef] = {}
    calls: dict[str, ast.Call] = {}
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            functions[node.name] = node
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            calls |= {ast.unparse(target): node.value for target in node.targets}
        elif isinstance(node, ast.ClassDef) and node.name == kind:
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and method.name == name:
                    names |= {ast.unparse(each) for each in method.decorator_list}
    for decorator in names & calls.keys():
        signatures = [functions.get(ast.unparse(each)) for each in calls[decorator].args]
        # The last one is for arguments that are not literal.
        for signature in signatures[:-1]:
            if signature is not None and signature.returns is not None:
                yield Variant(tuple(_chosen_by(signature)), _answer(ast.unparse(signature.returns)))


def _chosen_by(signature: ast.FunctionDef) -> Iterator[str]:
    for argument in (*signature.args.args, *signature.args.kwonlyargs):
        written = ast.unparse(argument.annotation) if argument.annotation else ""
        found = re.fullmatch(r"Literal\[(.+)\]", written)
        if found is not None and found[1] != "False":
            yield f"{argument.arg}={found[1]}"
