import pytest

from prior_auth import paths
from prior_auth.fhir.validate.structure import walk
from prior_auth.paths import PathError
from prior_auth.paths.own.expression import invariant
from prior_auth.paths.own.nodes import Node, Surroundings, resource_node
from prior_auth.r4 import tables

OBSERVATION = {
    "resourceType": "Observation",
    "id": "o",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "1"}, {"system": "urn:x", "code": "2"}]},
    "effectivePeriod": {"start": "2026-01-02", "end": "2026-01"},
    "valueQuantity": {"value": 5, "unit": "mg"},
    "referenceRange": [{"low": {"value": 1}, "high": {"value": 3}}],
    "component": [{"valueString": "a"}, {"valueInteger": 3}],
    "_issued": {"extension": [{"url": "u", "valueBoolean": True}]},
}


def ask(text, resource=OBSERVATION):
    node = resource_node(resource)
    return invariant(text).holds(Surroundings(node, node, node))


@pytest.mark.parametrize(
    "text",
    [
        "value.value = 5 and value.unit = 'mg'",
        "value is Quantity",
        "value.ofType(string).empty()",
        "component.value.ofType(integer) + 1 = 4",
        "component.count() = 2 and component.all(value.exists())",
        "code.coding.where(system = 'urn:x').code = '2'",
        "code.coding.code.isDistinct()",
        "code.coding.exists(code = '3').not()",
        "('a' | 'b' | 'a').count() = 2",
        "'b' in ('a' | 'b')",
        "(component.value.ofType(string) | 'z') contains 'a'",
        "issued.extension('u').value = true",
        "issued.hasValue().not()",
        "iif(status = 'final', 1, 2) = 1",
        "status.matches('^fin') and status.startsWith('f') and status.length() = 5",
        "descendants().where($this is Coding).count() = 2",
        "children().count() > 5",
        "referenceRange.all(low.value < high.value)",
        "component[1].value = 3",
        "'12'.toInteger() = 12",
        "'abc'.substring(1, 1) = 'b'",
        "'a.b'.replaceMatches('\\\\..*', '') = 'a'",
        "Observation.status = 'final'",
        "%resource.id = 'o'",
        "status = 'draft' implies false",
        "5 > 4 and 5 >= 5 and 2 * 3 = 6 and 7 mod 2 = 1 and 7 div 2 = 3 and -1 < 0",
        "{}.empty() and (1 | 2).tail() = 2 and (1 | 2).first() = 1",
        "status & 'x' = 'finalx'",
        "@2026-01-02 <= @2026-01-03",
        "repeat(component).empty() = false",
    ],
)
def test_what_is_true_holds_and_its_negation_does_not(text):
    assert ask(text)
    assert not ask(f"({text}).not()")


def test_dates_of_unequal_precision_have_no_order_and_raise_no_objection():
    assert ask("effective.start <= effective.end")
    assert ask("(effective.start <= effective.end).not()")


def test_what_it_does_not_know_is_refused_when_compiled():
    for text in ("a.frobnicate()", "a +", "%unknown", "now(1)", "a b"):
        with pytest.raises(PathError):
            invariant(text)


def test_data_that_does_not_fit_is_an_error_not_an_answer():
    with pytest.raises(PathError):
        ask("code.coding.code.startsWith('1')")
    with pytest.raises(PathError):
        ask("value < 'x'")


def test_a_walk_without_end_is_stopped():
    with pytest.raises(PathError):
        ask("1.repeat($this + 1)")


def every_invariant():
    structures = [*tables.base_types().values(), *(tables.structure(one) for one in tables.canonicals())]
    return {rule.expression for one in structures for part in one.elements for rule in part.invariants}


def test_every_invariant_of_the_shipped_guides_compiles():
    for text in every_invariant() - {"htmlChecks()"}:  # narratives are judged on the walk
        invariant(text)


def test_both_engines_agree_on_the_examples(example):
    """The other engine is fhirpathpy behind `paths`; what it refuses is no disagreement."""
    compared = 0
    for name in ("pas-request", "mcode-patient", "us-core-patient"):
        for standing, rules in walk(example(name)).objects:
            for rule in rules:
                try:
                    theirs = theirs_of(rule.expression, standing)
                    ours = ours_of(rule.expression, standing)
                except PathError:
                    continue
                assert ours == (theirs is not False), (rule.key, standing.path)
                compared += 1
    assert compared > 500


def theirs_of(text, standing):
    ask = paths.compile(text, engine=paths.LIBRARY)
    if standing.value is standing.owner:
        return ask.truth(standing.value)
    return ask.truth(standing.value, root=standing.owner, type=standing.inner, path=standing.path)


def ours_of(text, standing):
    owner = resource_node(standing.owner)
    context = owner if standing.value is standing.owner else Node(standing.value, standing.inner)
    return invariant(text).holds(Surroundings(owner, owner, context))
