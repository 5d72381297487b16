"""What the reference has to explain, it explains."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import consul
from consul.api import options
from consul.check import Common

PAGES = Path(__file__).resolve().parent.parent.parent / "docs" / "api"
TAKEN_BY = re.compile(r"^ {3}\.\. taken-by:: (.+)$", re.MULTILINE)
ARGUMENTS = re.compile(r"^(?:\*\w+\*(?:, )?)+$", re.MULTILINE)
NOUN = re.compile(r"^\.\. noun:: ([\w.]+)\n((?:(?: {3}.*)?\n)*)", re.MULTILINE)
TEXTS = {page.stem: page.read_text(encoding="utf-8") for page in sorted(PAGES.glob("*.rst"))}
#: What follows each ``.. noun::``, by the path of the noun.
NOUNS = {path: rest for text in TEXTS.values() for path, rest in NOUN.findall(text)}


def test_every_common_keyword_is_explained() -> None:
    page = TEXTS["options"]
    groups = [kind for kind in vars(options).values() if hasattr(kind, "__total__")]
    known = {keyword for group in groups for keyword in group.__annotations__} | {"near"}
    assert len(groups) > 10
    explained = " ".join(ARGUMENTS.findall(page))
    assert set(re.findall(r"\w+", explained)) == known
    assert set(" ".join(TAKEN_BY.findall(page)).split()) == known


def test_every_keyword_of_checks_is_explained() -> None:
    page = TEXTS["client"]
    assert re.findall(r"^ {3}\* \*(\w+)\*:", page, re.MULTILINE) == list(Common.__annotations__)


def test_every_noun_is_described(extension: Callable[[str], Any]) -> None:
    found = {path for path, noun in extension("interface").nouns().items() if noun.methods}
    assert found == set(NOUNS)
    # The nouns are described by what they are, not by the class of Python.
    assert not any(".. autoclass:: consul.api." in text for text in TEXTS.values())


def test_every_noun_has_an_example() -> None:
    for page, text in TEXTS.items():
        for path, rest in NOUN.findall(text):
            assert f"client.{path}." in rest.partition(".. code-block:: python")[2], (page, path)


def test_the_examples_of_flavours_are_calls() -> None:
    with consul.Consul() as client:
        for path, rest in NOUNS.items():
            for example in re.findall(r"^ {3}:example: (.+)$", rest, re.MULTILINE):
                (line,) = ast.parse(example).body
                assert isinstance(line, ast.Assign)
                call = line.value
                assert isinstance(call, ast.Call)
                assert ast.unparse(call.func).startswith(f"client.{path}.")
                method = eval(ast.unparse(call.func), {"client": client})
                given = {each.arg: None for each in call.keywords}
                inspect.signature(method).bind(*call.args, **given)


def test_what_a_method_takes(extension: Callable[[str], Any]) -> None:
    interface = extension("interface")
    found = {method.path: method for method in interface.methods()}
    get = found["kv.get"]
    assert [each.name for each in get.own] == ["key", "recurse", "keys", "separator", "raw"]
    assert get.common == [
        "token", "dc", "ns", "partition", "timeout", "index", "wait", "consistency",
    ]  # fmt: skip
    assert [each.chosen_by for each in get.variants] == [
        (), ("recurse=True",), ("keys=True",), ("raw=True",),
    ]  # fmt: skip
    assert get.facts["id"] == "kv.get"
    # Here it is the metadata of the node, and the time of the check.
    assert "node_meta" in [each.name for each in found["catalog.register"].own]
    assert "timeout" in [each.name for each in found["agent.service.register"].own]
    # Every keyword of an endpoint is listed, in one way or the other.
    for method in interface.endpoints():
        listed = [each.name for each in method.own] + method.common
        assert sorted(listed) == sorted(method.route.keywords), method.path


def test_which_servers_have_a_keyword(extension: Callable[[str], Any]) -> None:
    interface = extension("interface")
    found = {method.path: method for method in interface.methods()}
    newer = found["health.service"].newer
    assert interface.needed(newer["peer"]) == "since 1.13"
    assert interface.needed(newer["sameness_group"]) == "Enterprise, since 1.16"
    # What every tested version has is not told.
    assert "prune" not in found["agent.force_leave"].newer
    assert interface.needed({"since": "1.8.0"}) == ""
    assert interface.needed({"since": "1.22"}) == "since 1.22"
    assert interface.numbers("1.16.1") > interface.numbers("1.16.0") == interface.numbers("1.16")
    # A keyword that is refused for old servers is one of those.
    for method in interface.endpoints():
        assert set(method.route.ignores) <= set(method.newer)


def test_the_keys_of_structures_have_their_comments(extension: Callable[[str], Any]) -> None:
    interface = extension("interface")
    from consul.api import kv, query

    pair = {each.name: each for each in interface.fields(kv.KVPair)}
    assert pair["Value"].comment == "None when it is empty."
    assert pair["Session"].annotation == "NotRequired[str]"
    # Those of a base, too.
    names = [each.name for each in interface.fields(query.QueryResult)]
    assert set(names) == set(query.QueryResult.__annotations__)


def test_forms(extension: Callable[[str], Any]) -> None:
    reference = extension("reference")
    forms = {
        "Indexed[list[ServiceEntry]]": "(index, [ServiceEntry, ...])",
        "Indexed[KVPair | None]": "(index, KVPair or None)",
        "dict[str, AgentService]": "{str: AgentService}",
        "dict[str, Any]": "dict",
        "NotRequired[builtins.list[str]]": "[str, ...]",
        "Literal['a', 'b']": '"a" or "b"',
        "tuple[str, int]": "(str, int)",
    }
    for annotation, form in forms.items():
        assert reference.answer(annotation).astext() == form
    words = {
        "Text | None": "text",
        "Iterable[Text] | None": "list of texts",
        "Mapping[str, Number]": "dict of whole numbers",
        "Text | Iterable[Text] | None": "text or list of texts",
        "Mapping[str, Any] | None": "dict",
    }
    for annotation, word in words.items():
        assert "".join(each.astext() for each in reference.taken(annotation)) == word
