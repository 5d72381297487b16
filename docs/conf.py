"""Sphinx: ``make docs``."""

import pydoc
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent / "_ext")]

project = "python-consul"
author = "The python-consul authors"
copyright = author
release = re.search(
    r'__version__ = "(.+)"', (ROOT / "consul" / "version.py").read_text(encoding="utf-8")
)[1]
version = release

extensions = ["sphinx.ext.autodoc", "reference", "endpoints", "keywords", "peers"]
exclude_patterns = ["_build", "matrix.rst", "cluster.rst", "benchmarks.rst", "streams.rst"]
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["reference.css"]
html_title = f"python-consul {release}"

# `name` in a docstring is a Python name, or an argument.
default_role = "any"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_use_unqualified_type_names = True
# Signatures name types of the typing module, of other libraries, and aliases.
nitpick_ignore_regex = [(r"py:(class|data|obj)", r".*")]

#: Modules whose names the pages show, for names that are given without a module or with another.
PUBLIC = ("exceptions", "check", "retry", "request", "exchange", "callback", "types", "base", "std")


def missing_reference(app, env, node, contnode):
    """Find what a docstring names by another path than the pages show, like `consul.Timeout`.

    A name of the internals is shown without a link.  It must exist.
    """
    target = node.get("reftarget", "")
    package, _, rest = target.partition(".")
    if package in sys.stdlib_module_names:
        return contnode
    module = node.get("py:module") or ""
    if package != "consul":
        # Pages show `consul.request` and its like for what is defined in `consul.core`.
        found = [f"{module}.{target}", f"{module.replace('consul.', 'consul.core.', 1)}.{target}"]
        return contnode if module and any(map(pydoc.locate, found)) else None
    domain = env.get_domain("py")
    name = rest.removeprefix("base.")
    for home in PUBLIC:
        public = f"consul.{home}.{name}"
        if public in domain.objects:
            where = node.get("refdoc", env.docname)
            return domain.resolve_xref(env, where, app.builder, "obj", public, node, contnode)
    internal = rest.startswith(("core.", "api.", "transport.", "recipes."))
    return contnode if internal and pydoc.locate(target) is not None else None


ARGUMENT = re.compile(r"\*\w+\*(, \*\w+\*)*( \([^)]*\))?((, \*\w+\*)( \([^)]*\))?)*:")


def list_arguments(app, what, name, obj, options, lines):
    """Make a list of the lines of a docstring that begin with ``*argument*:``."""
    inside = False
    for number, line in enumerate(lines):
        if ARGUMENT.match(line):
            # A list needs an empty line before its first item.
            first = not inside and number and lines[number - 1]
            lines[number] = f"\n* {line}" if first else f"* {line}"
            inside = True
        elif not line:
            inside = False
        elif inside:
            lines[number] = f"  {line}"
    lines[:] = "\n".join(lines).split("\n")


def setup(app):
    app.connect("missing-reference", missing_reference)
    app.connect("autodoc-process-docstring", list_arguments)
