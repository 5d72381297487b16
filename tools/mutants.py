"""Faults that are put into the recipes, each of which the pure tests have to find.

    python tools/mutants.py            all of them, some minutes
    python tools/mutants.py renew      those with this word in their names

Each is tried on a copy of the tree, where tests/recipes are run until the first one fails.  Where a
fault was not found, the exit code is 1.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
RECIPES = ROOT / "consul" / "recipes"
#: Seconds after which a run has surely gone wrong, which is a way to find a fault.
LIMIT = 300


class Mutant(NamedTuple):
    """*old*, which is there once, becomes *new* in a module of the recipes."""

    name: str
    module: str
    old: str
    new: str
    #: The tests that are run, of tests/recipes; those of the module by default.
    tests: tuple[str, ...]

    def apply(self, root: Path) -> None:
        path = root / "consul" / "recipes" / f"{self.module}.py"
        source = path.read_text()
        if source.count(self.old) != 1:
            raise ValueError(f"{self.name}: {self.old!r} is {source.count(self.old)} times there")
        path.write_text(source.replace(self.old, self.new))


LOCKS = ("test_locks.py", "test_semaphores.py", "test_elections.py")
SEMAPHORES, ELECTIONS = LOCKS[1:2], LOCKS[2:]
POLLS = ("test_polls.py",)


def mutants() -> list[Mutant]:
    """All of them."""
    found = []

    def add(name: str, module: str, old: str, new: str, tests: tuple[str, ...]) -> None:
        found.append(Mutant(name, module, old, new, tests))

    # Sessions
    add("renew without a deadline", "sessions", "if now >= self._until:", "if False:", LOCKS)
    add(
        "count the deadline from the answer of the renewal",
        "sessions",
        "                self._until = asked + self._ttl",
        "                self._until = await Now() + self._ttl",
        LOCKS,
    )
    add(
        "count the deadline from the answer of the creation",
        "sessions",
        "self._until = began + self._ttl",
        "self._until = await Now() + self._ttl",
        LOCKS,
    )
    add(
        "give a renewal up at its first failure",
        "sessions",
        "                pause, troubled = again(self._ttl), True",
        '                self.lose("it failed")',
        LOCKS,
    )
    add(
        "renew a session that the server has ended",
        "sessions",
        '                self.lose("the server has ended it")',
        "                pass",
        LOCKS,
    )
    add(
        "hold by a flag, not by the clock",
        "sessions",
        "            self._look(self.http.now())",
        "            pass",
        LOCKS,
    )
    add(
        "leave the session behind",
        "sessions",
        "            for session in await self._own():",
        "            for session in ():",
        LOCKS,
    )
    add(
        "forget a session whose id was lost",
        "sessions",
        '        return [each["ID"] for each in found.data if each["Name"] == self._name]',
        "        return []",
        LOCKS,
    )
    add(
        "take every session for one whose id was lost",
        "sessions",
        ' if each["Name"] == self._name]',
        "]",
        LOCKS,
    )
    add(
        "destroy a session that was given",
        "sessions",
        "        if self._given is not None or not self._asked:",
        "        if not self._asked:",
        LOCKS,
    )
    add(
        "destroy the session before the key is given back",
        "sessions",
        "            while self.to_give_back:",
        "            while False:",
        LOCKS,
    )
    # Contests
    add(
        "wait in the queue with a time limit of 0",
        "contests",
        "            if self.once and verdict in (Verdict.BUSY, Verdict.DELAYED):",
        "            if False:",
        LOCKS,
    )
    add(
        "wait for a change during a lock-delay",
        "contests",
        '    "due to lock delay": Verdict.DELAYED,',
        '    "due to lock delay": Verdict.BUSY,',
        LOCKS,
    )
    add(
        "ask without a pause during a lock-delay",
        "contests",
        '    "due to lock delay": Verdict.DELAYED,',
        '    "due to lock delay": Verdict.CHANGED,',
        LOCKS,
    )
    add(
        "go on with a session that there is not",
        "contests",
        '            self.kept.lose("the server has ended it")',
        "            pass",
        LOCKS,
    )
    add(
        "believe an answer that came too late",
        "contests",
        "self.hold is not None and not self.hold.live:",
        "False:",
        LOCKS,
    )
    add(
        "end with the first failure",
        "contests",
        "if self.once or not heard or self._is_final(error):",
        "if True:",
        LOCKS,
    )
    add(
        "repeat what is final",
        "contests",
        "        return error.method is None or lasting(error, True)",
        "        return False",
        LOCKS,
    )
    add(
        "wait on with a given session that has ended",
        "contests",
        "        kept.ended.watch(self.follower.leave)",
        "        pass",
        LOCKS,
    )
    add(
        "take what is old for news",
        "contests",
        "news is not None and (news.at or 0) >= self.index:",
        "news is not None:",
        LOCKS,
    )
    add(
        "never look at the key again",
        "contests",
        "            changed.watch(self._look)",
        "            pass",
        LOCKS,
    )
    add(
        "hold on when the session is lost",
        "contests",
        "        self.kept.lost.watch(self._lose_with_session)",
        "        pass",
        LOCKS,
    )
    add(
        "keep the session of a lock that is lost",
        "contests",
        "                self.hold.lost.watch(kept.end)",
        "                pass",
        LOCKS,
    )
    add(
        "release what is not there any more and call it held",
        "contests",
        "return await self._release() or not sure",
        "return await self._release() or True",
        LOCKS,
    )
    add(
        "take a release whose answer was lost for a loss",
        "contests",
        "return await self._release() or not sure",
        "return await self._release()",
        LOCKS,
    )
    add(
        "release once and no more when cancelled",
        "managed",
        "        with suppress(ConsulException):\n            await make()",
        "        pass",
        LOCKS,
    )
    add(
        "leave what an attempt may have taken",
        "contests",
        "        if self.lost or not (self.index or self._maybe):",
        "        if self.lost or not self.index:",
        LOCKS,
    )
    add(
        "let two locks of a process have the same session",
        "contests",
        "if _taken.setdefault(self._entry, self) is not self:",
        "if False:",
        LOCKS,
    )
    add(
        "leave the block without a word after a loss",
        "contests",
        "            raise LockLost(told)",
        "            return",
        LOCKS,
    )
    add(
        "poll on after the release",
        "contests",
        "        watching = hold.follower.leave()",
        "        watching = None",
        LOCKS,
    )
    # Locks
    add(
        "skip the flag check",
        "locks",
        '    if pair is not None and pair["Flags"] != FLAGS:',
        "    if False:",
        LOCKS,
    )
    add(
        "acquire without a comparison, as Go does",
        "locks",
        "        taken = checked.kv.lock(",
        "        taken = begun.lock(",
        LOCKS,
    )
    add(
        "fence with an index of the lock",
        "contests",
        '["KV"]["ModifyIndex"])',
        '["KV"]["LockIndex"])',
        LOCKS,
    )
    add(
        "miss the deletion of the key",
        "locks",
        '            return "its key was deleted"',
        "            return None",
        LOCKS,
    )
    add(
        "miss another holder",
        "locks",
        '        if state.get("Session") != self.kept.id:',
        "        if False:",
        LOCKS,
    )
    add(
        "make a session where another one has the lock",
        "locks",
        "        if self.once and holder not in (",
        "        if False and holder not in (",
        LOCKS,
    )
    add(
        "ignore that the key is ours already",
        "locks",
        "        if state is None or holder is None:",
        "        if True:",
        LOCKS,
    )
    # Semaphores
    add(
        "count the dead",
        "semaphores",
        "sorted(session for session in named if session in entries)",
        "sorted(named)",
        SEMAPHORES,
    )
    add(
        "one place too many",
        "semaphores",
        "        full = len(found.holders) >= self._limit",
        "        full = len(found.holders) > self._limit",
        SEMAPHORES,
    )
    add(
        "overwrite the list of holders",
        "semaphores",
        "return await self.attempt(entry.kv.cas(self._lock, value, found.at, FLAGS).operations)",
        "return await self.attempt(entry.kv.set(self._lock, value, FLAGS).operations)",
        SEMAPHORES,
    )
    add(
        "leave the entry behind",
        "semaphores",
        "            if found.entries.keys() & {self.kept.id}:",
        "            if False:",
        SEMAPHORES,
    )
    add(
        "stay on the list",
        "semaphores",
        "            held = self.kept.id in found.holders\n",
        "            held = False\n",
        SEMAPHORES,
    )
    add(
        "another limit",
        "semaphores",
        "        if found.limit not in (None, self._limit):",
        "        if False:",
        SEMAPHORES,
    )
    # Elections
    add(
        "let the work go on after a loss",
        "elections",
        "wait_any((task.done, hold.ended))",
        "wait_any((task.done,))",
        ELECTIONS,
    )
    add(
        "end with work that was cut",
        "elections",
        "                if hold.live:\n                    return result",
        "                return result",
        ELECTIONS,
    )
    add(
        "report each write of the leader",
        "elections",
        "            if leader != self._known:",
        "            if True:",
        ELECTIONS,
    )
    # Polls
    add(
        "trust the old index",
        "polls",
        "        if fallen:\n            self.history += 1\n            self.forget()",
        "        if fallen:\n            self.history += 1",
        POLLS,
    )
    add(
        "wait on with an index that a restored snapshot has answered",
        "polls",
        "        if self.last == asked and early:",
        "        if False:",
        POLLS,
    )
    add(
        "believe in an empty streaming view",
        "polls",
        '(fallen or headers.get("x-consul-query-backend") == "streaming")',
        "False",
        POLLS,
    )
    add(
        "keep the index after a failure",
        "polls",
        "        self._position.forget()\n        now = await Now()",
        "        now = await Now()",
        POLLS,
    )
    add(
        "ask without a limit",
        "polls",
        "                if pause:\n                    await sleep(pause)",
        "                pass",
        POLLS,
    )
    add(
        "report what is the same",
        "polls",
        "heard.same or (news is not None and content(heard.answer) == content(news.answer)):",
        "heard.same:",
        POLLS,
    )
    add(
        "compare nothing but the bytes",
        "polls",
        "        if body == before:",
        "        if False:",
        POLLS,
    )
    add(
        "let all knock at the door",
        "polls",
        "        return self._token.take()",
        "        return True",
        POLLS,
    )
    add(
        "leave the door shut",
        "polls",
        "            self._knocks = False\n            self._door.open()",
        "            self._knocks = False",
        POLLS,
    )
    add(
        "repeat a token that may not read",
        "polls",
        "    if isinstance(error, ACLPermissionDenied):\n        return not",
        "    if isinstance(error, ACLPermissionDenied):\n        return False and not",
        POLLS,
    )
    add(
        "hand out what others were told long ago",
        "watch",
        "        if poll is not None and self._seen is None and poll.news is not None:",
        "        if False:",
        POLLS,
    )
    # Discovery, registrations, run_once
    discovery, registrations = ("test_discovery.py",), ("test_registrations.py",)
    add(
        "send requests to who has failed",
        "discovery",
        "        self._resting[_key(instance)] = now + self._rest",
        "        pass",
        discovery,
    )
    add(
        "count the dead as live",
        "discovery",
        "        choice = awake or list(found)",
        "        choice = awake",
        discovery,
    )
    add(
        "say passing before it is ready",
        "registrations",
        "        if not self._ready:",
        "        if False:",
        registrations,
    )
    add(
        "forget a service that was forgotten",
        "registrations",
        "            if isinstance(trouble, NotFound) and trouble is not known:",
        "            if False:",
        registrations,
    )
    add(
        "forget its maintenance",
        "registrations",
        "            if self._maintained is not None:",
        "            if False:",
        registrations,
    )
    add(
        "remove it only after it has drained in peace",
        "registrations",
        "        finally:\n            try:\n                await surely(self._remove)",
        "        except ZeroDivisionError:\n            raise\n        else:\n"
        "            try:\n                await surely(self._remove)",
        registrations,
    )
    add(
        "remove it while its own watch goes on",
        "registrations",
        "        for task in self._tasks:\n            await Wait(task.done, PATIENCE)\n",
        "",
        registrations,
    )
    add(
        "count a call that has failed",
        "once",
        "        await Invoke(function)",
        "        try:\n            await Invoke(function)\n"
        "        except Exception:\n            pass",
        ("test_once.py",),
    )
    add(
        "note a call without the lock",
        "once",
        "note.kv.set(key, value, FLAGS).operations)",
        "client.txn._described.begin().kv.set(key, value, FLAGS).operations)",
        ("test_once.py",),
    )
    return found


def is_found(mutant: Mutant) -> bool:
    """Whether the tests find it."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in ("consul", "tests", "tools"):
            ignored = shutil.ignore_patterns("__pycache__", "_build")
            shutil.copytree(ROOT / name, root / name, ignore=ignored)
        shutil.copy(ROOT / "setup.cfg", root)
        mutant.apply(root)
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
        try:
            done = subprocess.run(
                [*command, *(f"tests/recipes/{name}" for name in mutant.tests)],
                cwd=root,
                env={**os.environ, "PYTHONPATH": str(root)},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=LIMIT,
            )
        except subprocess.TimeoutExpired:
            return True
        if done.returncode not in (0, 1):
            raise RuntimeError(f"{mutant.name}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.returncode == 1


def main() -> int:
    words = sys.argv[1:]
    chosen = [each for each in mutants() if all(word in each.name for word in words)]
    missed = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for mutant, found in zip(chosen, pool.map(is_found, chosen), strict=True):
            print("found " if found else "MISSED", mutant.module, "-", mutant.name, flush=True)
            if not found:
                missed.append(mutant)
    print(f"{len(chosen) - len(missed)} of {len(chosen)} found")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
