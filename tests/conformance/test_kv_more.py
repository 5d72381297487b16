"""The conveniences of the key/value store, in every flavour."""

from __future__ import annotations

import pytest

from consul import (
    ACLPermissionDenied,
    InvalidSession,
    Timeout,
    codecs,
)
from consul.recipes.tree import DELETE, KEEP, Record, Tree, TreeMapping


@pytest.fixture
def tree(consul, prefix):
    """Some keys below the prefix."""
    for key in ("a", "b/c", "b/d/e", "b/d/f", "g"):
        consul.kv.put(f"{prefix}/{key}", key)
    yield f"{prefix}/"
    consul.kv.delete(f"{prefix}/", recurse=True)


def test_lists_are_empty_where_there_is_nothing(consul, prefix, tree):
    assert consul.kv.keys(f"{prefix}-none").data == []
    assert consul.kv.tree(f"{prefix}-none").data == []
    answer = consul.kv.keys(tree)
    assert [key.removeprefix(tree) for key in answer.data] == ["a", "b/c", "b/d/e", "b/d/f", "g"]
    assert consul.kv.keys(tree, "/").data == [f"{tree}a", f"{tree}b/", f"{tree}g"]
    assert consul.kv.keys(tree, index=answer, wait="20ms").data == answer.data
    values = [pair["Value"] for pair in consul.kv.items(f"{tree}b/").data]
    assert values == [b"b/c", b"b/d/e", b"b/d/f"]


def test_compare_and_set(consul, prefix):
    assert consul.kv.cas(prefix, "a", 0, flags=5) is True
    assert consul.kv.cas(prefix, "b", 0) is False
    pair = consul.kv.get(prefix).data
    assert (pair["Value"], pair["Flags"]) == (b"a", 5)
    assert consul.kv.cas(prefix, "b", pair["ModifyIndex"]) is True
    assert consul.kv.delete_cas(prefix, pair["ModifyIndex"]) is False
    assert consul.kv.delete_cas(prefix, consul.kv.get(prefix).data["ModifyIndex"]) is True
    for wrong in (lambda: consul.kv.cas(prefix, "a", None), lambda: consul.kv.delete_cas("a", -1)):
        with pytest.raises((TypeError, ValueError), match="index"):
            wrong()


def test_a_tree_is_deleted(consul, prefix, tree):
    assert consul.kv.delete_tree(f"{tree}b/") is True
    assert consul.kv.keys(tree).data == [f"{tree}a", f"{tree}g"]
    for empty in ("", b""):
        with pytest.raises(ValueError, match="the whole store: give everything=True"):
            consul.kv.delete_tree(empty)
    call = consul._target.describe.kv.delete_tree("", everything=True)
    assert call.request.target == "/v1/kv/?recurse=1"


def test_a_lock(consul, prefix):
    one, other = consul.session.create(), consul.session.create(lock_delay=0)
    assert consul.kv.lock(prefix, "one", one) is True
    assert consul.kv.lock(prefix, "other", other) is False
    assert consul.kv.unlock(prefix, "other", other) is False
    assert consul.kv.get(prefix).data["Session"] == one
    assert consul.kv.unlock(prefix, "free", one) is True
    assert "Session" not in consul.kv.get(prefix).data
    for session in (one, other):
        consul.session.destroy(session)
    with pytest.raises(InvalidSession):
        consul.kv.lock(prefix, "", one)
    with pytest.raises(ValueError, match="session must not be empty"):
        consul.kv.lock(prefix, "", "")


# Updates


def test_an_update(consul, prefix):
    assert consul.kv.update(prefix, lambda value: f"{value}!") == "None!"
    consul.kv.put(prefix, "a", flags=7)
    assert consul.kv.update(prefix, lambda value: f"{value}!") == "a!"
    pair = consul.kv.get(prefix).data
    assert (pair["Value"], pair["Flags"]) == (b"a!", 7)
    assert consul.kv.update(prefix, lambda value: KEEP) == "a!"
    assert consul.kv.get(prefix).data["ModifyIndex"] == pair["ModifyIndex"]
    assert consul.kv.update(prefix, lambda value: DELETE) is None
    assert consul.kv.get(prefix).data is None
    assert consul.kv.update(prefix, lambda value: DELETE) is None
    found = consul.kv.update(prefix, lambda value: {**(value or {}), "n": 1}, codecs.json)
    assert found == {"n": 1}
    assert consul.kv.get(prefix, raw=True).data == b'{"n":1}'


def test_an_update_that_loses_a_race(consul, make_client, agent, prefix):
    import consul as package

    seen = []
    with package.Consul(port=agent.port) as other:

        def one_more(value):
            seen.append(value)
            if len(seen) < 3:
                other.kv.put(prefix, f"other {len(seen)}")
            return f"{value} and mine"

        assert consul.kv.update(prefix, one_more) == "other 2 and mine"
        assert seen == [None, "other 1", "other 2"]

        def never(value):
            other.kv.put(prefix, f"{value}x")
            return value

        with pytest.raises(Timeout, match="was changed by others"):
            consul.kv.update(prefix, never, within=0.05)


def test_an_update_keeps_the_lock(consul, prefix):
    session = consul.session.create(lock_delay=0)
    consul.kv.lock(prefix, "a", session)
    consul.kv.update(prefix, lambda value: "b")
    assert consul.kv.get(prefix).data["Session"] == session
    consul.session.destroy(session)


def test_an_update_that_fails(consul, acl_client, prefix):
    def broken(value):
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        consul.kv.update(prefix, broken)
    with pytest.raises(TypeError, match="is no text: it is a int"):
        consul.kv.update(prefix, lambda value: 5)
    assert consul.kv.get(prefix).data is None
    consul.kv.put(prefix, b"\xff")
    with pytest.raises(ValueError, match=f"the value of '{prefix}' is no text"):
        consul.kv.update(prefix, lambda value: "a")
    with pytest.raises(ACLPermissionDenied):
        acl_client(token="").kv.update(prefix, lambda value: "a")


def test_an_awaited_function(consul, flavour, prefix):
    if flavour.name not in ("aio", "tornado"):
        pytest.skip(f"{flavour.name} awaits no coroutine of the user's")

    async def one_more(value):
        return f"{value}!"

    assert consul.kv.update(prefix, one_more) == "None!"


# Mappings


def test_a_mapping_in_the_form_of_the_flavour(consul, flavour, tree):
    made = consul._target.kv.mapping(tree, codecs.text)
    direct = flavour.name in ("std", "gevent")
    assert isinstance(made, TreeMapping if direct else Tree)
    mine = made.tree if direct else made

    def call(name, *args, **options):
        return flavour.call(getattr(mine, name), *args, **options)

    assert call("keys") == ["a", "b/c", "b/d/e", "b/d/f", "g"]
    assert call("get", "a") == "a"
    assert call("get", "none") is None
    assert call("get", "none", "default") == "default"
    call("set", "new", "value", flags=3)
    call("set", "new", "other")
    record = call("record", "new")
    assert record == Record("new", "other", 3, record.modify_index, None)
    assert call("update", "new", lambda value: f"{value}!") == "other!"
    assert call("find", "b/d/") == {"b/d/e": "b/d/e", "b/d/f": "b/d/f"}
    assert [each.key for each in call("records", "b")] == ["b/c", "b/d/e", "b/d/f"]
    assert call("delete", "new") is True
    assert call("delete", "new") is False
    pages = mine.pages()
    found = []
    while (each := flavour.call(pages.next)) is not None:
        found.append(each.key)
    assert sorted(found) == ["a", "b/c", "b/d/e", "b/d/f", "g"]
    call("clear")
    assert call("keys") == []


def test_a_folder_that_is_a_key_as_well(consul, flavour, tree):
    consul.kv.put(tree, "root")
    consul.kv.put(f"{tree}b/", "folder")
    made = consul._target.kv.mapping(tree)
    pages = getattr(made, "tree", made).pages()
    found = {}
    while (each := flavour.call(pages.next)) is not None:
        assert each.key not in found
        found[each.key] = each.value
    assert found["b/"] == "folder"
    assert found[""] == "root"
    assert len(found) == 7
