"""How long the validator takes over a PAS request Bundle of 30 resources, with and without invariants.

Two Bundles: our own golden request with its evidence repeated under new ids, each copy named in the Claim; and, where
the guide's package is at hand (PRIOR_AUTH_SHARED), the official referral request filled up with the guide's other
examples, the measure by which other validators were compared.
"""

from __future__ import annotations

import copy
import os
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from prior_auth.fhir import json
from prior_auth.fhir.validate import check_structure, has_errors, validate

SIZE, ROUNDS = 30, 31
ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("PRIOR_AUTH_SHARED", ROOT.parent / "shared"))
GUIDE = SHARED / "ig" / "hl7.fhir.us.davinci-pas-2.2.1.tgz"
_NO_ENTRIES = frozenset({"Bundle", "Parameters", "Claim"})
_Bundle = dict[str, Any]


def measure() -> Iterator[dict[str, object]]:
    bundles = {"golden": golden_bundle()}
    if GUIDE.is_file():
        bundles["official"] = official_bundle()
    for name, bundle in bundles.items():
        assert len(bundle["entry"]) == SIZE
        assert not has_errors(validate(bundle)), name
        size = f"{SIZE} resources, {len(json.write(bundle)) // 1000} kB, {name}"
        for what, target, call in _WAYS:
            took = _milliseconds(call, bundle)
            goal = {"target": f"at most {target} ms", "met": took <= target} if target is not None else {}
            yield {"name": f"validate {what}: {size}", "value": round(took, 2), "unit": "ms", **goal}


_WAYS: tuple[tuple[str, int | None, Callable[[_Bundle], object]], ...] = (
    ("with invariants", 25, validate),
    ("without invariants", 10, lambda bundle: validate(bundle, with_invariants=False)),
    ("structure alone", None, check_structure),
)


def _milliseconds(call: Callable[[_Bundle], object], bundle: _Bundle) -> float:
    """The best of all rounds, in this thread's own time: other work on the machine can only add."""
    call(bundle)
    took = []
    for _ in range(ROUNDS):
        start = time.thread_time()
        call(bundle)
        took.append(time.thread_time() - start)
    return min(took) * 1000


def golden_bundle() -> _Bundle:
    """Our golden request, its evidence repeated until there are 30 resources; the Claim names every copy."""
    bundle = json.read((ROOT / "tests/golden/pas/request.json").read_bytes())
    return _filled(bundle, {"Condition", "Observation", "MedicationAdministration", "DocumentReference"})


def official_bundle() -> _Bundle:
    """The guide's referral request with its other examples as further entries."""
    examples = dict(_examples())
    bundle = examples.pop("Bundle-ReferralAuthorizationBundleExample.json")
    entries = bundle["entry"]
    held = {_key(one["resource"]) for one in entries}
    base = entries[0]["fullUrl"].rsplit("/", 2)[0]
    more = [one for one in examples.values() if one["resourceType"] not in _NO_ENTRIES and _key(one) not in held]
    entries += [{"fullUrl": f"{base}/{_key(one)}", "resource": one} for one in more[: SIZE - len(entries)]]
    return _filled(bundle, {"Practitioner", "Location", "DocumentReference"})


def _filled(bundle: _Bundle, kinds: set[str]) -> _Bundle:
    entries, claim = bundle["entry"], bundle["entry"][0]["resource"]
    evidence = [one for one in entries if one["resource"]["resourceType"] in kinds]
    lines = {one["valueReference"]["reference"]: one for one in claim["supportingInfo"] if "valueReference" in one}
    for number in range(SIZE - len(entries)):
        made = copy.deepcopy(evidence[number % len(evidence)])
        url, identity = made["fullUrl"], f"{made['resource']['id']}-{number}"
        made["resource"]["id"], made["fullUrl"] = identity, f"{url.rpartition('/')[0]}/{identity}"
        entries.append(made)
        line = lines.get(url) or lines.get("/".join(url.split("/")[-2:]))
        if line is not None:
            reference = {"reference": made["fullUrl"]}
            claim["supportingInfo"].append({**line, "sequence": 900 + number, "valueReference": reference})
    return bundle


def _key(resource: _Bundle) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _examples() -> Iterator[tuple[str, _Bundle]]:
    with tarfile.open(GUIDE) as archive:
        for member in archive:
            if "/example/" in member.name and member.name.endswith(".json") and "/." not in member.name:
                opened = archive.extractfile(member)
                assert opened is not None
                content = json.read(opened.read())
                if "resourceType" in content:
                    yield Path(member.name).name, content
