"""The faults that tools/mutants.py puts into the recipes are faults of these recipes."""

from __future__ import annotations

import shutil

import pytest

from tools.mutants import RECIPES, mutants


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.name)
def test_it_can_be_put_in(tmp_path, mutant):
    copy = tmp_path / "consul" / "recipes"
    copy.mkdir(parents=True)
    path = copy / f"{mutant.module}.py"
    shutil.copy(RECIPES / path.name, path)
    before = path.read_text()
    mutant.apply(tmp_path)
    after = path.read_text()
    assert after != before
    compile(after, str(path), "exec")


def test_they_have_names():
    names = [mutant.name for mutant in mutants()]
    assert len(names) == len(set(names)) >= 20
