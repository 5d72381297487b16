"""The structures of answers and the keywords of calls, for users' annotations."""

import importlib
import pkgutil
import re
import typing

import pytest

import consul.api
import consul.types
from consul.api import options

MODULES = [
    importlib.import_module(found.name)
    for found in pkgutil.walk_packages(consul.api.__path__, "consul.api.")
]


@pytest.mark.parametrize("name", consul.types.__all__)
def test_every_annotation_can_be_evaluated(name):
    kind = getattr(consul.types, name)
    assert typing.is_typeddict(kind)
    assert typing.get_type_hints(kind, localns=vars(typing))


def test_all_structures_of_answers_are_there():
    found = {
        name
        for module in MODULES
        for name, kind in vars(module).items()
        if typing.is_typeddict(kind)
        and not name.startswith("_")
        and kind.__module__ != options.__name__
    }
    assert found <= set(consul.types.__all__)


def test_all_groups_of_keywords_are_there():
    groups = set()
    for module in MODULES:
        for kind in vars(module).values():
            if isinstance(kind, type):
                for method in vars(kind).values():
                    if hasattr(method, "route") and "options" in method.__annotations__:
                        annotation = method.__annotations__["options"]
                        groups.add(re.fullmatch(r"Unpack\[(\w+)\]", annotation)[1])
    assert len(groups) > 10
    assert groups <= set(consul.types.__all__)
