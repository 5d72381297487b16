"""Sphinx: ``make docs``."""

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

extensions = ["sphinx.ext.autodoc", "endpoints"]
exclude_patterns = ["_build", "matrix.rst", "cluster.rst", "benchmarks.rst"]
html_theme = "furo"
html_title = f"python-consul {release}"

# `name` in a docstring is a Python name, or an argument.
default_role = "any"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "show-inheritance": False}
python_use_unqualified_type_names = True
# Signatures name types of the typing module, of other libraries, and aliases.
nitpick_ignore_regex = [(r"py:(class|data|obj)", r".*")]


def missing_reference(app, env, node, contnode):
    """`consul.Timeout` and its like are documented where they are defined."""
    package, _, name = node.get("reftarget", "").partition(".")
    if package in sys.stdlib_module_names:
        return contnode
    if package != "consul":
        return None
    domain = env.get_domain("py")
    for home in ("exceptions", "check", "retry", "std"):
        target = f"consul.{home}.{name}"
        if target in domain.objects:
            where = node.get("refdoc", env.docname)
            return domain.resolve_xref(env, where, app.builder, "obj", target, node, contnode)
    return contnode if name.startswith("request.") else None


def setup(app):
    app.connect("missing-reference", missing_reference)
