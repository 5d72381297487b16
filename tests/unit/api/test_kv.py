import pytest

from consul.base import Consul


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
