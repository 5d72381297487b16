import pytest

from consul.base import Consul


@pytest.mark.parametrize("word", ["false", "0", "F", False, None])
def test_a_word_for_false_is_false(word):
    kv = Consul().kv
    assert kv.delete("tree/", recurse=word).request.target == "/v1/kv/tree/"
    for name in ("recurse", "keys", "raw"):
        made = kv.get("a", **{name: word})
        assert (made.request.target, made.decode) == ("/v1/kv/a", kv.get("a").decode)
    with pytest.raises(ValueError, match=r"^key must not be empty"):
        kv.delete("", recurse=word)


def test_words_for_true():
    kv = Consul().kv
    assert kv.delete("", recurse="true").request.target == "/v1/kv/?recurse=1"
    assert kv.get("a", keys="1").request.target == "/v1/kv/a?keys=1"
    with pytest.raises(ValueError, match="raw excludes"):
        kv.get("a", raw="t", recurse="t")


def test_a_separator_may_be_bytes():
    target = Consul().kv.get(b"dir/", keys=True, separator=b"/").request.target
    assert target == "/v1/kv/dir/?keys=1&separator=%2F"


@pytest.mark.parametrize("recurse", [None, True])
@pytest.mark.parametrize("flags", [None, 0, 5])
def test_unconditional_writes_are_repeatable(flags, recurse):
    assert Consul().kv.put("x", "v", flags=flags).repeatable
    assert Consul().kv.delete("x", recurse).repeatable


@pytest.mark.parametrize(
    "condition",
    [
        {"cas": 0},
        {"cas": "0"},
        {"cas": 7},
        {"acquire": "s"},
        {"acquire": ""},
        {"release": "s"},
        {"release": ""},
        {"cas": 7, "acquire": "s"},
    ],
)
def test_conditional_writes_are_not(condition):
    assert not Consul().kv.put("x", "v", **condition).repeatable
    if set(condition) == {"cas"}:
        assert not Consul().kv.delete("x", **condition).repeatable
