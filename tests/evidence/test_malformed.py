"""Whatever a chart's elements hold, gathering gives evidence or refuses; it never breaks."""

from __future__ import annotations

import contextlib
import copy
import random
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from prior_auth.errors import PriorAuthError
from prior_auth.evidence.definitions import EvidenceDefinitions
from prior_auth.evidence.gather import gather
from prior_auth.fhir import json
from prior_auth.fhir.bundle import resources
from prior_auth.fhir.mcode import view_bundle

AS_OF = date(2026, 11, 1)
PUBLIC = Path(__file__).parents[1] / "charts" / "public"
JUNK: list[Any] = [
    None, "", 0, -1, True, [], {}, ["x"], {"a": 1}, "x" * 300, [None], [[]], {"coding": "x"}, {"coding": [None]},
    {"reference": 5}, "2026-13-45", {"value": "x"}, Decimal("NaN"), {"coding": [{"system": {}, "code": []}]},
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from places(each, (*path, key))


@pytest.mark.parametrize("seed", range(60))
def test_an_element_of_another_shape_never_breaks_the_gathering(seed: int, definitions: EvidenceDefinitions) -> None:
    chance = random.Random(seed)
    name = chance.choice(["jenny-m-breast-full", "john-anyperson-nsclc-full", "genomex-adam-anyperson-full"])
    chart = copy.deepcopy(resources(json.read((PUBLIC / f"mcode-stu4-{name}.json").read_bytes())))
    for _ in range(12):
        resource = chance.choice(chart)
        path = chance.choice(list(places(resource)))
        parent = resource
        for key in path[:-1]:
            parent = parent[key]
        parent[path[-1]] = copy.deepcopy(chance.choice(JUNK))

    with contextlib.suppress(PriorAuthError):
        evidence = gather(chart, as_of=AS_OF, definitions=definitions)
        assert json.write(view_bundle(evidence, AS_OF))
