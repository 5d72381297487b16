"""``.. peers:: NAME`` compares each method of another project with ours.

``.. peer-counts:: NAME`` says how many work, ``.. peer-tests:: NAME`` which of its tests differ.

`peers.json` has their methods, each with its positional arguments, as their last release has them.
They are compared with the classes of this library, so the page cannot promise more than there is.
`differs.json` has the reasons for what is not the same: by method, by argument, and the names that
arguments have here.
"""

from __future__ import annotations

import inspect
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import interface
from reference import Sourced

import consul
from consul.base import Consul

FILE = Path(__file__).resolve().parent / "peers.json"
REASONS = FILE.with_name("differs.json")
#: The tests of other projects that fail as they should; tools/peers_tests.py holds them to it.
TESTS = FILE.parent.parent.parent / "tests" / "peers" / "differs.json"
#: What is said of a method, by its state.
STATES = {
    "works": "work as they are",
    "signature": "work with other arguments",
    "differs": "differ",
    "missing": "are not here",
}


class Peer(NamedTuple):
    """What another project offers."""

    name: str
    version: str
    #: Positional arguments by the name of the method, like "kv.get".
    methods: dict[str, tuple[str, ...]]


class Verdict(NamedTuple):
    """How a method of another project compares with ours."""

    #: A key of `STATES`.
    state: str
    #: Arguments that have no position here, or another one.
    by_keyword: tuple[str, ...] = ()
    #: Arguments with another name here: theirs and ours.
    renamed: tuple[tuple[str, str], ...] = ()
    #: Arguments that are not taken here.
    lost: tuple[str, ...] = ()
    #: Why it differs, as reStructuredText.
    reason: str = ""


def peers() -> Iterator[Peer]:
    for name, facts in json.loads(FILE.read_text(encoding="utf-8")).items():
        methods = {method: tuple(names.split()) for method, names in facts["methods"].items()}
        yield Peer(name, facts["version"], methods)


@cache
def reasons() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(REASONS.read_text(encoding="utf-8"))
    return found


def find(method: str) -> Any:
    """The method of ours that is called the same; None where there is none."""
    found: Any = consul if method.startswith("Check.") else Consul()
    for part in method.split("."):
        found = getattr(found, part, None)
    return found if callable(found) else None


def positions(ours: Any) -> list[str]:
    """The arguments of *ours* that have a position."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(ours).parameters.values()
    return [each.name for each in parameters if each.kind in kinds]


def keywords(ours: Any) -> frozenset[str]:
    """All keywords that *ours* takes; no other project has those that checks have in common."""
    route = getattr(ours, "route", None)
    return frozenset(route.keywords if route else inspect.signature(ours).parameters)


def alike(theirs: Sequence[str], ours: Sequence[str]) -> int:
    """How many positional arguments are the same, from the first on."""
    same = 0
    for one, other in zip(theirs, ours, strict=False):
        if one != other:
            break
        same += 1
    return same


def compare(peer: Peer, method: str) -> Verdict:
    """What there is here of *method* of a *peer*."""
    known, theirs, ours = reasons(), peer.methods[method], find(method)
    reason = known["methods"].get(peer.name, {}).get(method, "")
    if ours is None:
        return Verdict("missing", reason=reason)
    names, all_keywords = known["names"], keywords(ours)
    called = [names.get(name, name) if name not in all_keywords else name for name in theirs]
    same = alike(called, positions(ours))
    rest = called[same:]
    renamed = [
        (old, new)
        for old, new in zip(theirs, called, strict=True)
        if old != new and new in all_keywords
    ]
    by_keyword = [name for name in rest if name in all_keywords and name in theirs]
    lost = [old for old, new in zip(theirs, called, strict=True) if new not in all_keywords]
    state = "differs" if reason else "signature" if rest or renamed or lost else "works"
    return Verdict(state, tuple(by_keyword), tuple(renamed), tuple(lost), reason)


class Peers(Sourced):
    required_arguments = 1

    def made(self) -> list[Any]:
        peer = _peer(self)
        lines = [_counts(peer), "", ".. list-table::", "   :header-rows: 1", "   :widths: 40 60"]
        lines += ["", "   * - Method", "     - Here"]
        for method, theirs in peer.methods.items():
            lines += [f"   * - {_called(method, theirs)}"]
            lines += [f"     - {text(peer, method)}"]
        return self.parse_text_to_nodes("\n".join([*lines, ""]))


class PeerCounts(Sourced):
    required_arguments = 1

    def made(self) -> list[Any]:
        return self.parse_text_to_nodes(_counts(_peer(self)))


class PeerTests(Sourced):
    """The reasons for which tests of the project differ, each with its tests."""

    required_arguments = 1

    def made(self) -> list[Any]:
        known = json.loads(TESTS.read_text(encoding="utf-8"))[_peer(self).name]
        tests: dict[str, list[str]] = {}
        for name, reason in known.items():
            tests.setdefault(reason, []).append(f"``{name.rpartition('.')[2]}``")
        lines = [f"* {why}  {', '.join(dict.fromkeys(names))}." for why, names in tests.items()]
        return self.parse_text_to_nodes("\n".join(lines))


def _peer(directive: Sourced) -> Peer:
    for file in (FILE, REASONS, TESTS):
        directive.env.note_dependency(str(file))
    return next(each for each in peers() if each.name == directive.arguments[0])


def _counts(peer: Peer) -> str:
    found = Counter(compare(peer, method).state for method in peer.methods)
    parts = [f"{found[state]} {words}" for state, words in STATES.items() if found[state]]
    return f"{peer.name} {peer.version} has {len(peer.methods)} methods: {', '.join(parts)}."


@cache
def _targets() -> dict[str, str]:
    """What the reference calls each method, by all its paths."""
    found: dict[str, str] = {}
    for noun in interface.nouns().values():
        for method in noun.methods:
            for path in (noun.path, *noun.aliases):
                for name in (method.name, *method.aliases):
                    found[f"{path}.{name}"] = method.target
    checks = {name for name in vars(consul.Check) if not name.startswith("_")}
    return found | {f"Check.{name}": f"consul.check.Check.{name}" for name in checks}


def _called(method: str, theirs: Sequence[str]) -> str:
    target = _targets().get(method)
    shown = f":py:meth:`{method} <{target}>`" if target else f"``{method}``"
    return f"{shown}\\ ({_listed(theirs)})" if theirs else f"{shown}\\ ()"


def text(peer: Peer, method: str) -> str:
    """What the page says of *method*."""
    found = compare(peer, method)
    if found.state == "works":
        return "Works."
    parts = [f"{found.reason}"] if found.reason else []
    if found.state == "missing":
        return " ".join(["Not here.", *parts])
    if found.by_keyword:
        parts.append(f"By keyword: {_listed(found.by_keyword)}.")
    parts += [f"*{old}* is *{new}*." for old, new in found.renamed]
    hints = reasons()["arguments"]
    plain = [name for name in found.lost if name not in hints]
    parts += [f"*{name}* is not taken: {hints[name]}." for name in found.lost if name in hints]
    if plain:
        parts.append(f"Not taken: {_listed(plain)}.")
    return " ".join(parts)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"*{name}*" for name in names)


def setup(app: Any) -> dict[str, Any]:
    app.add_directive("peers", Peers)
    app.add_directive("peer-counts", PeerCounts)
    app.add_directive("peer-tests", PeerTests)
    return {"version": "2", "parallel_read_safe": True}
