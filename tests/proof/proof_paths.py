"""FHIRPath by the ten thousand: damaged expressions over damaged resources end in values or in a PathError, soon.

Even cases damage the invariants of the shipped guides and the catalogue's expressions, word by word, and a public
patient's resource besides. Odd cases walk the R4 model along a whole resource and ask both engines: the values and
their element paths must be the same.
"""

from __future__ import annotations

import copy
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from prior_auth import paths
from prior_auth.charts.bundle_file import BundleFile
from prior_auth.paths.door import OwnEvaluator
from prior_auth.paths.own.expression import invariant
from prior_auth.r4 import model, tables

SIZE, CHUNK = 40_000, 2_000
SLOW = 2.0  # seconds of this thread
PUBLIC = Path(__file__).parents[1] / "charts" / "public"

_WORD = re.compile(r"'(?:[^'\\]|\\.)*'|[A-Za-z_$%@][\w.:+-]*|\d+(?:\.\d+)?|[<>!]=|\S")
_LEAVES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**40,
    "",
    "x" * 3_000,
    "2026-02-30",
    "2026",
    {},
    [],
    [[]],
    {"a": 1},
    1.5,
)
_SIGNS = (
    "|", "and", "or", "implies", "in", "contains", "=", "~", "!=", "<", ">=", "+", "-", "&", "*", "/", "div", "mod",
)  # fmt: skip
_VALUES = (
    "{}", "$this", "true", "1", "-1", "0.5", "'x'", "''", "@2026", "@2026-01-01T10:00Z", "@T10", "4 'mg'", "2 years",
    "%resource", "descendants()",
)  # fmt: skip
_STEPS = (
    "first()", "where($this)", "select(children())", "descendants()", "repeat(children())", "exists()", "all($this)",
    "count()", "not()", "toString()", "toInteger()", "toQuantity()", "lowBoundary()", "highBoundary(3)",
    "matches('(a|b)*c')", "replaceMatches('.', 'xx')", "split('')", "join(',')", "toChars()", "abs()", "length()",
    "aggregate($total & $this)", "sort(-$this)", "combine($this)", "subsetOf(%resource)", "power(99)", "sqrt()",
    "type()", "ofType(string)", "resolve()", "extension('x')", "encode('base64')", "decode('hex')", "where($index > 0)",
    "iif($this, 1, 2)", "repeat($this + 1)", "select($this | 'x')", "distinct()", "tail()", "toDateTime()", "value",
)  # fmt: skip
_INSERTS = (*_SIGNS, *_VALUES, "(", ")", ".", "is", "as", "[0]", "$index", "$total")


def prove(seed: int, first: int, count: int) -> tuple[Counter[str], list[str]]:
    outcomes: Counter[str] = Counter()
    failures: list[str] = []
    for number in range(first, first + count):
        choose = random.Random(f"{seed}-{number}")
        outcome, failure = _compared(choose) if number % 2 else _damaged(choose)
        outcomes[outcome] += 1
        if failure is not None:
            failures.append(f"case {number}: {failure}")
    return outcomes, failures


# Damage


def _damaged(choose: random.Random) -> tuple[str, str | None]:
    text = _worse(choose.choice(_expressions()), choose)
    resource = copy.deepcopy(choose.choice(_resources()))
    for _ in range(choose.randint(0, 4)):
        _damage(resource, choose)
    start = time.thread_time()
    try:
        ask = OwnEvaluator(invariant.__wrapped__(text))  # not kept: every text is another
    except paths.PathError:
        return "refused", None
    try:
        found = ask(resource)
    except paths.PathError:
        outcome, failure = "problem", None
    except Exception as problem:
        return "exception", f"{type(problem).__name__} of {text!r}"
    else:
        outcome, failure = ("value" if found else "empty"), _wrong_type(found, text)
    if time.thread_time() - start > SLOW:
        return "slow", f"{time.thread_time() - start:.1f} s for {text!r}"
    return outcome, failure


def _wrong_type(found: list[paths.Found], text: str) -> str | None:
    for value, path in found:
        if not isinstance(path, str) or type(value).__module__.startswith("prior_auth"):
            return f"a {type(value).__name__} comes out of {text!r}"
    return None


def _worse(text: str, choose: random.Random) -> str:
    words = _WORD.findall(text)
    for _ in range(choose.randint(1, 3)):
        ends = [at + 1 for at in range(len(words)) if _ends_a_term(words, at)] or [0]
        at = choose.choice(ends)
        match choose.randrange(10):
            case 0:
                words[at - 1 : at] = []
            case 1:
                words[at:at] = [choose.choice(_INSERTS)]
            case 2:
                words[at - 1 : at] = [choose.choice(words)]
            case 3:
                words[at:at] = [choose.choice(_SIGNS), choose.choice(_VALUES)]
            case _:
                words[at:at] = [".", choose.choice(_STEPS)]
    return " ".join(words)


def _ends_a_term(words: list[str], at: int) -> bool:
    word, following = words[at], words[at + 1 : at + 2]
    return (word[-1].isalnum() or word[-1] in ")'") and following != ["("] and word not in (*_SIGNS, "is", "as")


def _damage(resource: dict[str, Any], choose: random.Random) -> None:
    places = list(_places(resource))
    holder, key = choose.choice(places)
    match choose.randrange(4):
        case 0:
            del holder[key]
        case 1:
            holder[key] = copy.deepcopy(choose.choice(_LEAVES))
        case 2:
            holder[key] = [copy.deepcopy(holder[key])] * choose.randint(1, 40)
        case 3:
            other, name = choose.choice(places)
            holder[key] = copy.deepcopy(other.get(name) if isinstance(other, dict) else None)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in list(items):
        yield value, key
        yield from _places(part)


# Comparison


def _compared(choose: random.Random) -> tuple[str, str | None]:
    resource = choose.choice(_resources())
    kind = resource["resourceType"]
    text = _walk(resource, choose)
    own, other = (_answer(text, kind, engine, resource) for engine in paths.ENGINES)
    if own == other:
        return f"same: {own if own in ('empty', 'error') else 'values'}", None
    return "different", f"{text!r}: {own[:120]} and {other[:120]}"


def _answer(text: str, kind: str, engine: str, resource: dict[str, Any]) -> str:
    try:
        found = paths.compile.__wrapped__(text, kind, engine=engine)(resource)
    except paths.PathError:
        return "error"
    return repr(found) if found else "empty"


def _walk(resource: dict[str, Any], choose: random.Random) -> str:
    """A path along what the resource has, seldom along what it lacks, with functions that both engines have."""
    here: str = resource["resourceType"]
    text, values = here, [resource]
    for _ in range(choose.randint(1, 5)):
        known = model.elements(here)
        there = sorted({element.name for one in values for key in one if (element := _element(here, key)) is not None})
        if not known or model.is_primitive(here) or not (there or choose.random() < 0.1):
            break
        name = choose.choice(there if there and choose.random() < 0.9 else sorted(known))
        text += f".{name}"
        inner = {_inner(here, key) for one in values for key in one if key == name or _is_choice(here, key, name)}
        here = choose.choice(sorted(inner)) if inner else known[name].inner_types[0]
        if known[name].is_choice:
            text += choose.choice((f".ofType({here})", ""))
        if here.startswith("System.") or here in ("Resource", "xhtml"):
            break
        values = [
            part
            for one in values
            for key, found in one.items()
            if key == name or _is_choice(known[name].path.rpartition(".")[0], key, name)
            for part in (found if isinstance(found, list) else [found])
            if isinstance(part, dict)
        ]
        text += choose.choice(_FILTERS)
    return text + choose.choice(_ENDINGS)


_FILTERS = (
    "", "", "", "", "", ".first()", ".last()", ".tail()", ".where(id.empty())", ".where($this.exists())", ".skip(1)",
    ".take(2)", ".select($this)", ".distinct()",
)  # fmt: skip
_ENDINGS = (
    "", "", "", "", ".exists()", ".count()", ".empty().not()", " | 'x'", ".distinct().count()", ".children().count()",
    ".descendants().count()", ".hasValue()", ".isDistinct()", " = 'x'",
)  # fmt: skip


def _element(kind: str, key: str) -> Any:
    return model.element(kind, key.removeprefix("_"))


def _inner(kind: str, key: str) -> str:
    return str(_element(kind, key).inner_types[0])


def _is_choice(kind: str, key: str, name: str) -> bool:
    found = _element(kind, key)
    return found is not None and found.is_choice and found.name == name


@cache
def _resources() -> list[dict[str, Any]]:
    return [resource for file in sorted(PUBLIC.glob("*.json")) for resource in BundleFile(file).read()]


@cache
def _expressions() -> list[str]:
    structures = [*tables.base_types().values(), *(tables.structure(one) for one in tables.canonicals())]
    rules = {rule.expression for one in structures if one for part in one.elements for rule in part.invariants}
    return sorted(rule for rule in rules if len(rule) < 600)
