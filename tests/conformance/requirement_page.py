"""`docs/conformance.md`, from the tests that carry a requirement's id and the rules of the two judges.

    .venv/bin/python tests/conformance/requirement_page.py

runs every test marked with `@pytest.mark.requirement("spec-52")` and writes the page (`--missing`: only those that the
page does not say have passed). A test holds it to the marks.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path

from requirement_reasons import INTRODUCTION, REASONS

from prior_auth.conformance.pas import client_suite, server_suite
from prior_auth.conformance.pas.requirements import requirements

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "conformance.md"
_ROW = re.compile(r"`(tests/[^`]+::[^`]+)` (pass|fail|skipped)")


@cache
def marked() -> dict[str, list[str]]:
    """Test names by requirement id, as the sources mark them."""
    found: dict[str, list[str]] = {}
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        source = file.read_bytes()
        for name, ids in _marks(ast.parse(source)) if b"mark.requirement(" in source else ():
            for one in ids:
                found.setdefault(one, []).append(f"{file.relative_to(ROOT).as_posix()}::{name}")
    return found


def _marks(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for one in node.decorator_list:
                if isinstance(one, ast.Call) and ast.unparse(one.func) == "pytest.mark.requirement":
                    yield node.name, [name for argument in one.args for name in _ids(argument)]


def _ids(argument: ast.expr) -> list[str]:
    """`"spec-1"`, or `*("spec-1", "spec-2")`."""
    if isinstance(argument, ast.Starred):
        return [str(one) for one in ast.literal_eval(argument.value)]
    return [str(ast.literal_eval(argument))]


def outcomes_run(names: Collection[str]) -> dict[str, str]:
    """Run these tests: pass, fail or skipped by test name."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "results.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={file}", *sorted(names)]
        subprocess.run(command, cwd=ROOT, check=False)
        return _read(ElementTree.parse(file).getroot())


def _read(root: ElementTree.Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for case in root.iter("testcase"):
        name = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name', '').split('[')[0]}"
        word = "skipped" if case.find("skipped") is not None else "pass"
        word = "fail" if case.find("failure") is not None or case.find("error") is not None else word
        ranked = ("fail", "skipped", "pass")
        found[name] = min(found.get(name, "pass"), word, key=ranked.index)
    return found


def outcomes_of(page: str) -> dict[str, str]:
    """What a written page says."""
    return dict(_ROW.findall(page))


def rules_by_requirement() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for suite, rules in (("server", server_suite.RULES), ("client", client_suite.RULES)):
        for rule in rules:
            for one in rule.requirements:
                found.setdefault(one, []).append(f"{suite} `{rule.id}`")
    return found


def render(outcomes: Mapping[str, str]) -> str:
    tests, rules = marked(), rules_by_requirement()
    rows = [_row(one, tests.get(one, []), rules.get(one, []), outcomes) for one in requirements()]
    untested = [one for one in requirements() if one not in tests]
    head = f"{len(requirements()) - len(untested)} of {len(requirements())} requirements have a test; "
    head += f"for {len(untested)} the page says why not."
    table = ["| Requirement | Level | Who | In our words | Tests, or why there is none | Judges' rules |"]
    return "\n".join([INTRODUCTION, head, "", *table, "|---|---|---|---|---|---|", *rows, ""])


def _row(identity: str, tests: list[str], rules: list[str], outcomes: Mapping[str, str]) -> str:
    stated = requirements()[identity]
    told = "<br>".join(f"`{one}` {outcomes.get(one, 'not run')}" for one in tests) or REASONS[identity]
    cells = [identity, stated.level, stated.who, stated.words.replace("|", "/"), told, ", ".join(rules)]
    return f"| {' | '.join(cells)} |"


def main(only_missing: bool) -> None:
    names = {name for names in marked().values() for name in names}
    known = outcomes_of(PAGE.read_text(encoding="utf-8")) if only_missing and PAGE.exists() else {}
    passed = {name: word for name, word in known.items() if word == "pass"}
    wanted = names - set(passed)
    run = outcomes_run(wanted) if wanted else {}
    PAGE.write_text(render({**passed, **run}), encoding="utf-8")


if __name__ == "__main__":
    main("--missing" in sys.argv[1:])
