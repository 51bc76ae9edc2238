"""Codes, concepts and value sets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from prior_auth.cql.errors import EvaluationError
from prior_auth.cql.operators.registry import operator
from prior_auth.cql.values.core import Code, Concept, Vocabulary


@operator("InValueSet", "Code, ValueSet -> Boolean", nulls=True, run=True)
def code_in(run: Any, code: Code | None, set_: Vocabulary) -> bool:
    return code is not None and _is_in(run, (code,), set_)


@operator("InValueSet", "Concept, ValueSet -> Boolean", nulls=True, run=True)
def concept_in(run: Any, concept: Concept | None, set_: Vocabulary) -> bool:
    return concept is not None and _is_in(run, concept.codes, set_)


@operator("InValueSet", "String, ValueSet -> Boolean", nulls=True, run=True)
def text_in(run: Any, code: str | None, set_: Vocabulary) -> bool:
    """EvaluationError where the set holds codes of several systems, so that a bare code is ambiguous."""
    found = run.value_set(set_)
    if code is None:
        return False
    if len(found.systems) > 1:
        raise EvaluationError(
            "a code without its system is ambiguous in a value set of several systems", fix="test the Code"
        )
    return bool(found.systems_of(code))


@operator("AnyInValueSet", "List<Code>, ValueSet -> Boolean", nulls=True, run=True)
def any_code_in(run: Any, codes: Sequence[Code | None] | None, set_: Vocabulary) -> bool:
    return _is_in(run, (code for code in codes or () if code is not None), set_)


@operator("AnyInValueSet", "List<Concept>, ValueSet -> Boolean", nulls=True, run=True)
def any_concept_in(run: Any, concepts: Sequence[Concept | None] | None, set_: Vocabulary) -> bool:
    return any(concept is not None and _is_in(run, concept.codes, set_) for concept in concepts or ())


def _is_in(run: Any, codes: Iterable[Code | None], set_: Vocabulary) -> bool:
    members = run.value_set(set_).codes
    return any(code is not None and (code.system, code.code) in members for code in codes)


@operator("ExpandValueSet", "ValueSet -> List<Code>", run=True)
def expand(run: Any, set_: Vocabulary) -> list[Code]:
    return [Code(code, system) for system, code in sorted(run.value_set(set_).codes)]


@operator("InCodeSystem", "Code, CodeSystem -> Boolean", nulls=True)
def code_in_system(code: Code | None, system: Vocabulary) -> bool:
    return code is not None and code.system == system.id


@operator("InCodeSystem", "Concept, CodeSystem -> Boolean", nulls=True)
def concept_in_system(concept: Concept | None, system: Vocabulary) -> bool:
    return concept is not None and any(code is not None and code.system == system.id for code in concept.codes)


@operator("Message", "T, Boolean, String, String, String -> T", nulls=True)
def message(value: Any, condition: bool | None, code: str | None, severity: str | None, text: str | None) -> Any:
    """The value itself; EvaluationError for a message of severity Error whose condition holds."""
    if condition is True and severity == "Error":
        raise EvaluationError(f"{code}: {text}")
    return value
