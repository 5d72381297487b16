"""Writes consul/_typed: what the methods return in each flavour, for type checkers.

    python tools/typed.py          write the views
    python tools/typed.py --check  fail when they are not what would be written

The nouns say ``-> Call[T]`` and the recipes ``-> Steps[T]``; what a caller gets depends on the
flavour.  Type checkers cannot express that with one class, so each flavour has a view: the same
signatures with T, a future, a coroutine or a Deferred of T in place of ``Call[T]``.  A view has no
bodies and is never imported when a program runs.

The sources are read, not imported, so that this works with nothing installed.
"""

from __future__ import annotations

import argparse
import ast
import builtins
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "consul" / "_typed"
WIDTH = 100
COMMAND = "python tools/typed.py"


class Flavour(NamedTuple):
    """How a flavour hands out a value: a type with {} for its place, and the import it needs."""

    shape: str
    module: str = ""
    name: str = ""


FLAVOURS = {
    "std": Flavour("{}"),
    "threads": Flavour("Future[{}]", "concurrent.futures", "Future"),
    "aio": Flavour("Coroutine[Any, Any, {}]", "collections.abc", "Coroutine"),
    "tornado": Flavour("Future[{}]", "asyncio", "Future"),
    "twisted": Flavour("Deferred[{}]", "twisted.internet.defer", "Deferred"),
}

#: What stands for "T, as the flavour hands it out".
PENDING = frozenset(("Call", "Steps"))

INIT = '''"""The client as type checkers see it, one view per flavour; written by tools/typed.py.

Nothing here is imported when a program runs.
"""
'''

HEADER = '''"""The client as type checkers see it in `consul.{flavour}`.

Written by tools/typed.py; change that or the nouns, and run ``{command}``.
"""

# mypy: disable-error-code="empty-body"

from __future__ import annotations
'''


class Unsupported(Exception):
    """The sources have something that this program does not know how to write down."""


class Module(NamedTuple):
    """A source file and where the names in it come from."""

    name: str
    tree: ast.Module
    imports: dict[str, str]
    defined: frozenset[str]


def load(path: Path) -> Module:
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    imports: dict[str, str] = {}
    defined: set[str] = set()
    for node in top_level(tree.body):
        if isinstance(node, ast.ImportFrom) and node.module != "__future__":
            for alias in node.names:
                shown = f" as {alias.asname}" if alias.asname else ""
                imports[alias.asname or alias.name] = (
                    f"from {node.module} import {alias.name}{shown}"
                )
        elif isinstance(node, ast.Import):
            for alias in node.names:
                shown = f" as {alias.asname}" if alias.asname else ""
                imports[alias.asname or alias.name.partition(".")[0]] = (
                    f"import {alias.name}{shown}"
                )
        elif isinstance(node, ast.ClassDef | ast.FunctionDef):
            defined.add(node.name)
        elif isinstance(node, ast.Assign):
            defined.update(target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            defined.add(node.target.id)
    return Module(name, tree, imports, frozenset(defined))


def top_level(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module, those under ``if TYPE_CHECKING`` and ``try`` included."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try):
            yield from top_level(node.body)
            yield from top_level(node.orelse)


class View:
    """The text of one flavour's view, and the imports it turns out to need."""

    def __init__(self, flavour: str, modules: list[Module], base: Module) -> None:
        self.flavour = flavour
        self.modules = modules
        self.base = base
        self.imports: dict[str, str] = {}
        #: The noun classes, which the view defines itself, and the module of each.
        self.own: dict[str, str] = {}
        for module in modules:
            for node in module.tree.body:
                if isinstance(node, ast.ClassDef):
                    if node.name in self.own:
                        raise Unsupported(
                            f"{module.name} and {self.own[node.name]} both have a class {node.name}"
                        )
                    self.own[node.name] = module.name

    def text(self) -> str:
        parts = [
            self.noun(module, node)
            for module in self.modules
            for node in module.tree.body
            if isinstance(node, ast.ClassDef)
        ]
        parts.append(self.client())
        head = HEADER.format(flavour=self.flavour, command=COMMAND)
        body = "\n\n\n".join("\n".join(lines) for lines in parts)
        return f"{head}\n{self.import_block()}\n\n\n{body}\n"

    # Names

    def use(self, module: Module, node: ast.AST | None, local: frozenset[str]) -> None:
        """Import what *node* refers to, unless it is in *local*."""
        for name in names(node):
            if name in local or (name in self.own and module.imports.get(name) is None):
                continue
            if name in module.imports:
                line = module.imports[name]
                if name in self.own and line == f"from {self.own[name]} import {name}":
                    continue
            elif name in module.defined:
                line = f"from {module.name} import {name}"
            elif hasattr(builtins, name):
                continue
            else:
                raise Unsupported(f"{module.name}: where does {name} come from?")
            self.need(name, line)

    def need(self, name: str, line: str) -> None:
        if name in self.own:
            raise Unsupported(f"{line!r} takes the name of a noun")
        if self.imports.setdefault(name, line) != line:
            raise Unsupported(f"two imports of one name: {line!r} and {self.imports[name]!r}")

    def import_block(self) -> str:
        modules: dict[str, set[str]] = {}
        plain: set[str] = set()
        for line in self.imports.values():
            words = line.split(" ", 3)
            if words[0] == "import":
                plain.add(line)
            else:
                modules.setdefault(words[1], set()).add(words[3])
        sections: list[list[str]] = [[], [], []]
        for line in sorted(plain):
            sections[section(line.split()[1])].append(line)
        for module in sorted(modules):
            found = sorted(modules[module], key=isort_key)
            line = f"from {module} import {', '.join(found)}"
            if len(line) > WIDTH:
                line = "\n".join(
                    (f"from {module} import (", *(f"    {name}," for name in found), ")")
                )
            sections[section(module)].append(line)
        return "\n\n".join("\n".join(lines) for lines in sections if lines)

    # Types

    def shaped(self, node: ast.expr) -> str:
        """The annotation *node* with ``Call[T]`` and ``Steps[T]`` in the flavour's form."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node = ast.parse(node.value, mode="eval").body
        return unparse(Shaper(self).visit(ast.parse(unparse(node), mode="eval").body))

    def shape(self, inner: ast.expr) -> ast.expr:
        flavour = FLAVOURS[self.flavour]
        if flavour.name:
            self.need(flavour.name, f"from {flavour.module} import {flavour.name}")
        if "Any" in flavour.shape:
            self.need("Any", "from typing import Any")
        return ast.parse(flavour.shape.format(ast.unparse(inner)), mode="eval").body

    # Classes

    def noun(
        self,
        module: Module,
        node: ast.ClassDef,
        indent: str = "",
        local: frozenset[str] = frozenset(),
    ) -> list[str]:
        members: list[list[str]] = []
        inner = indent + "    "
        nested = frozenset(item.name for item in node.body if isinstance(item, ast.ClassDef))
        scope = local | nested
        attributes: list[str] = []
        for item in node.body:
            if isinstance(item, ast.ClassDef):
                members.append(self.noun(module, item, inner, scope))
            elif isinstance(item, ast.FunctionDef):
                if item.name == "__init__":
                    attributes += self.wiring(module, node, item, scope, inner)
                elif public(item.name) and not replaced_by_overloads(node, item):
                    members.append(self.method(module, item, scope, inner))
            elif isinstance(item, ast.AnnAssign) and not private(item.target):
                self.use(module, item.annotation, scope)
                attributes.append(
                    f"{inner}{ast.unparse(item.target)}: {self.shaped(item.annotation)}"
                )
            elif (
                isinstance(item, ast.Assign)
                and not private(item.targets[0])
                and isinstance(item.value, ast.Name | ast.Attribute)
            ):
                # Another name of a method, or of a class.
                self.use(module, item.value, scope | own_names(node))
                attributes.append(f"{inner}{ast.unparse(item)}")
        for base in node.bases:
            self.use(module, base, local)
        if attributes:
            # Below the classes and methods they name.
            members.append(attributes)
        bases = f"({', '.join(unparse(base) for base in node.bases)})" if node.bases else ""
        heading = f"{indent}class {node.name}{bases}:"
        if not members:
            return [f"{heading} ..."]
        lines = [heading]
        for position, member in enumerate(members):
            if position:
                lines.append("")
            lines += member
        return lines

    def wiring(
        self,
        module: Module,
        owner: ast.ClassDef,
        init: ast.FunctionDef,
        scope: frozenset[str],
        indent: str,
    ) -> list[str]:
        """The attributes that a noun's ``__init__`` sets, like ``self.service = ...``."""
        found: list[str] = []
        target: ast.expr
        kind: ast.expr
        for node in ast.walk(init):
            if isinstance(node, ast.AnnAssign):
                target, kind = node.target, node.annotation
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                target, kind = node.targets[0], node.value.func
            else:
                continue
            if not (isinstance(target, ast.Attribute) and unparse(target.value) == "self"):
                continue
            if private(target):
                continue
            text = self.shaped(kind).removeprefix("self.").removeprefix(f"{owner.name}.")
            self.use(module, ast.parse(text, mode="eval").body, scope)
            found.append(f"{indent}{target.attr}: {text}")
        return found

    def method(
        self, module: Module, node: ast.FunctionDef, scope: frozenset[str], indent: str
    ) -> list[str]:
        for part in (*annotated(node), *node.decorator_list):
            self.use(module, part, scope)
        for default in (*node.args.defaults, *node.args.kw_defaults):
            self.use(module, default, scope)
        lines = [f"{indent}@{unparse(decorator)}" for decorator in node.decorator_list]
        if node.returns is None:
            raise Unsupported(
                f"{module.name}:{node.lineno}: {node.name} does not say what it returns"
            )
        self.use(module, inner_of(node.returns), scope)
        returns = self.shaped(node.returns)
        parameters = list(signature(node.args))
        start, end = f"{indent}def {node.name}(", f") -> {returns}: ..."
        line = start + ", ".join(parameters) + end
        if len(line) <= WIDTH:
            return [*lines, line]
        line = f"{indent}    {', '.join(parameters)}"
        if len(line) <= WIDTH:
            return [*lines, start, line, indent + end]
        return [*lines, start, *(f"{indent}    {each}," for each in parameters), indent + end]

    def client(self) -> list[str]:
        """``class Consul``: the nouns and recipes of `consul.base.Nouns`."""
        nouns = next(
            node
            for node in self.base.tree.body
            if isinstance(node, ast.ClassDef) and node.name == "Nouns"
        )
        self.need("base", "from consul import base")
        self.need("TypeAlias", "from typing import TypeAlias")
        #: Within the class a name like KV is that of the attribute.
        aliases: list[str] = []
        classes: list[str] = []
        attributes: list[str] = []
        members: list[list[str]] = []
        for item in nouns.body:
            if isinstance(item, ast.Assign) and isinstance(item.value, ast.Name):
                classes.append(
                    f"    {unparse(item.targets[0])}: TypeAlias = _{unparse(item.value)}"
                )
                aliases.append(f"_{unparse(item.value)} = {unparse(item.value)}")
            elif isinstance(item, ast.FunctionDef) and item.name == "_bind":
                for node in ast.walk(item):
                    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                        target, kind = node.targets[0], node.value.func
                        if isinstance(target, ast.Attribute) and isinstance(kind, ast.Attribute):
                            attributes.append(f"    {target.attr}: _{kind.attr}")
            elif isinstance(item, ast.FunctionDef) and item.name == "describe":
                members.append(["    @property", "    def describe(self) -> base.Consul: ..."])
            elif isinstance(item, ast.FunctionDef) and not item.name.startswith("_"):
                members.append(self.method(self.base, item, frozenset(), "    "))
        lines = [*aliases, "", "", "class Consul(base.Client):", *classes, "", *attributes]
        for member in members:
            lines += ["", *member]
        return lines


class Shaper(ast.NodeTransformer):
    def __init__(self, view: View) -> None:
        self.view = view

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        if isinstance(node.value, ast.Name) and node.value.id in PENDING:
            return self.view.shape(node.slice)
        self.generic_visit(node)
        return node


def names(node: ast.AST | None) -> Iterator[str]:
    """Every name that *node* refers to, within quoted annotations, too."""
    if node is None:
        return
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id


class Inner(ast.NodeTransformer):
    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        if isinstance(node.value, ast.Name) and node.value.id in PENDING:
            return node.slice
        self.generic_visit(node)
        return node


def inner_of(node: ast.expr) -> ast.expr:
    """*node* with T for ``Call[T]``: what has to be imported whatever the flavour."""
    copy = ast.parse(unparse(node), mode="eval").body
    return Inner().visit(copy)  # type: ignore[no-any-return]


def annotated(node: ast.FunctionDef) -> Iterator[ast.expr | None]:
    args = node.args
    for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg):
        yield arg.annotation if arg else None


def signature(args: ast.arguments) -> Iterator[str]:
    """The parameters, each as it is written."""
    positional = [*args.posonlyargs, *args.args]
    first = len(positional) - len(args.defaults)
    for position, arg in enumerate(positional):
        yield parameter(arg, args.defaults[position - first] if position >= first else None)
        if args.posonlyargs and position == len(args.posonlyargs) - 1:
            yield "/"
    if args.vararg:
        yield "*" + parameter(args.vararg, None)
    elif args.kwonlyargs:
        yield "*"
    for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        yield parameter(arg, default)
    if args.kwarg:
        yield "**" + parameter(args.kwarg, None)


def parameter(arg: ast.arg, default: ast.expr | None) -> str:
    if arg.annotation is None:
        return arg.arg if default is None else f"{arg.arg}={unparse(default)}"
    text = f"{arg.arg}: {unparse(arg.annotation)}"
    return text if default is None else f"{text} = {unparse(default)}"


class Quoted(str):
    """Text whose repr has double quotes, as the formatter wants it."""

    def __repr__(self) -> str:
        plain = super().__repr__()
        if plain.startswith("'") and '"' not in plain:
            return f'"{plain[1:-1]}"'
        return plain


def unparse(node: ast.AST) -> str:
    """The text of *node*, strings in double quotes."""
    text = ast.unparse(node)
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            text = text.replace(repr(part.value), repr(Quoted(part.value)))
    return text


def public(name: str) -> bool:
    return not name.startswith("_") or name == "__call__"


def private(node: ast.expr) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else unparse(node)
    return name.startswith("_")


def own_names(node: ast.ClassDef) -> frozenset[str]:
    return frozenset(
        item.name for item in node.body if isinstance(item, ast.ClassDef | ast.FunctionDef)
    )


def replaced_by_overloads(owner: ast.ClassDef, node: ast.FunctionDef) -> bool:
    """Whether *node* is the implementation of overloads, which callers do not see."""

    def overloaded(item: ast.FunctionDef) -> bool:
        return any(unparse(each).endswith("overload") for each in item.decorator_list)

    return not overloaded(node) and any(
        isinstance(item, ast.FunctionDef) and item.name == node.name and overloaded(item)
        for item in owner.body
    )


def section(module: str) -> int:
    top = module.partition(".")[0]
    if top == "consul":
        return 2
    return 0 if top in sys.stdlib_module_names else 1


def isort_key(name: str) -> tuple[int, str]:
    """Constants, classes, the rest: the order that the linter wants."""
    plain = name.partition(" ")[0]
    kind = 0 if plain.isupper() and len(plain) > 1 else 1 if plain[:1].isupper() else 2
    return kind, plain


def views() -> dict[Path, str]:
    """The text of every file."""
    modules = [
        load(path)
        for path in sorted((ROOT / "consul" / "api").rglob("*.py"))
        if path.name not in ("__init__.py", "noun.py")
    ]
    base = load(ROOT / "consul" / "base.py")
    texts = {TARGET / "__init__.py": INIT}
    for flavour in FLAVOURS:
        texts[TARGET / f"{flavour}.py"] = View(flavour, modules, base).text()
    return texts


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail on a difference")
    check = parser.parse_args().check
    stale = []
    for path, text in views().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path)
            if not check:
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, encoding="utf-8")
    for path in stale:
        print(f"{path.relative_to(ROOT)}: {'out of date' if check else 'written'}")
    if check and stale:
        print(f"Run: {COMMAND}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
