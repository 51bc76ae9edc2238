"""A rulebook that is loaded again reads anew what has changed, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from prior_auth.errors import RuleError
from prior_auth.rulebook import Rulebook, rules_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the rules with two policies only, so that loading is quick."""
    copy = tmp_path / "rules"
    shutil.copytree(rules_folder(), copy)
    for topic in (copy / "payers/example-health-plan").iterdir():
        if topic.is_dir() and topic.name not in ("trastuzumab", "pembrolizumab"):
            shutil.rmtree(topic)
    return copy


def test_only_what_has_changed_is_read_anew(folder: Path) -> None:
    first = Rulebook.load(folder)
    same = Rulebook.load(folder, known=first)
    assert same.rules == first.rules
    assert same.definitions is first.definitions

    file = folder / "payers/example-health-plan/trastuzumab/policy.cql"
    file.write_text(file.read_text() + "\n// said otherwise\n")
    changed = Rulebook.load(folder, known=same)
    kept = [new is old for new, old in zip(changed.rules, first.rules, strict=True)]
    assert sorted(kept) == [False, True]
    assert changed.rules[kept.index(False)].hash != first.rules[kept.index(False)].hash

    library = next(iter(sorted(folder.glob("libraries/*.cql"))))
    library.write_text(library.read_text() + "\n// said otherwise\n")
    ground = Rulebook.load(folder, known=changed)
    assert not any(new is old for new, old in zip(ground.rules, changed.rules, strict=True))

    file.write_text(file.read_text() + '\ndefine "Wrong": 1 + true\n')
    with pytest.raises(RuleError, match=r"does not go with \(Integer, Boolean\)"):
        Rulebook.load(folder, known=ground)
