"""Anything may come over the wire: a request or an answer is read or refused by BadInput, never by a crash."""

from __future__ import annotations

import random
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from prior_auth.domain.authorization import Action, ItemDecision, RequestedInformation
from prior_auth.domain.people import ENGINE
from prior_auth.errors import BadInput
from prior_auth.fhir import json, pas_request, pas_response

Json = dict[str, Any]
STAMP = pas_response.Stamp("auth-1", 1, datetime(2026, 6, 1, 10, 5, tzinfo=UTC), number="PEND-1")
_ODD = [None, "", "x", 0, -1, True, [], {}, [None], {"reference": 7}, ["x"], [[]], 10**30, {"coding": "x"}]


def broken(value: Json, chance: random.Random) -> Json:
    """A copy with one to three places removed, replaced or doubled."""
    changed = deepcopy(value)
    for _ in range(chance.randint(1, 3)):
        places = list(_places(changed))
        holder, key = chance.choice(places)
        match chance.randint(0, 2):
            case 0:
                del holder[key]
            case 1:
                holder[key] = deepcopy(chance.choice(_ODD))
            case _ if isinstance(holder, list):
                holder.append(deepcopy(holder[key]))
            case _:
                holder[key] = [deepcopy(holder[key])]
    return changed


def _places(value: Any) -> Any:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in list(pairs):
        yield value, key
        yield from _places(part)


def answered(bundle: Json, world: Any) -> Json:
    read = pas_request.read(bundle)
    wanted = (RequestedInformation("89247-1", "ECOG"),)
    decisions = [ItemDecision(one.sequence, Action.PEND, ENGINE, requested=wanted) for one in read.items]
    return pas_response.build(bundle, read, decisions, payer=world.payer, stamp=STAMP)


@pytest.mark.parametrize("seed", range(4))
def test_a_broken_request_is_answered_or_refused(world: Any, bundle: Json, seed: int) -> None:
    chance = random.Random(seed)
    read, places = 0, []
    for _ in range(150):
        try:
            json.write(answered(broken(bundle, chance), world))
            read += 1
        except BadInput as refusal:
            places.append(refusal.where)
    assert read > 20
    assert all(places)


@pytest.mark.parametrize("seed", range(4))
def test_a_broken_answer_is_read_or_refused(world: Any, bundle: Json, seed: int) -> None:
    chance = random.Random(seed)
    answer = answered(bundle, world)
    read = 0
    for _ in range(300):
        try:
            pas_response.read(broken(answer, chance))
            read += 1
        except BadInput:
            continue
    assert read > 100
