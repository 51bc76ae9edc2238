"""Seeded damage to FHIR resources: one plausible mistake at a time, or anything anywhere."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

Path = tuple[Any, ...]


def places(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every object and array in a resource with where it is, narrative left out."""
    if isinstance(value, dict):
        yield path, value
        for key, part in value.items():
            if key != "text" or len(path) > 4:
                yield from places(part, (*path, key))
    elif isinstance(value, list):
        yield path, value
        for number, part in enumerate(value):
            yield from places(part, (*path, number))


def mutate(resource: Any, dice: random.Random) -> str | None:
    """Change one thing in place; says what, or None where the change fitted nowhere."""
    spots = list(places(resource))
    path, spot = dice.choice(spots)
    where = ".".join(map(str, path)) or "root"
    if isinstance(spot, list):
        kind = dice.choice(["empty array", "array to object", "repeat", "null inside"])
        match kind:
            case "empty array":
                spot.clear()
            case "array to object":
                parent = resource
                for part in path[:-1]:
                    parent = parent[part]
                parent[path[-1]] = copy.deepcopy(spot[0]) if spot else {}
            case "repeat" if spot:
                spot.append(copy.deepcopy(dice.choice(spot)))
            case "null inside":
                spot.append(None)
        return f"{kind} at {where}"
    keys = [key for key in spot if key not in ("resourceType", "text", "div", "display")]
    if not keys:
        return None
    key = dice.choice(keys)
    value = spot[key]
    kind = dice.choice(
        ["remove", "remove", "misspell", "retype", "corrupt", "corrupt", "corrupt", "extension", "empty"]
    )
    match kind:
        case "remove":
            del spot[key]
        case "misspell":
            spot[f"{key}x"] = spot.pop(key)
        case "retype":
            spot[key] = {"a": 1} if not isinstance(value, dict) else "text"
        case "corrupt" if isinstance(value, bool):
            spot[key] = str(value).lower()
        case "corrupt" if isinstance(value, str) and key == "reference":
            inside = [one["fullUrl"] for one in resource.get("entry", []) if isinstance(one, dict) and "fullUrl" in one]
            outside = ["Patient/none", "Device/d1", "urn:uuid:0b1f9a1e-1111-4111-8111-111111111111"]
            spot[key] = dice.choice(inside + outside)
        case "corrupt" if isinstance(value, str) and key == "system":
            spot[key] = dice.choice(["http://example.org/system", "http://snomed.info/sct", "urn:oid:1.2.3.4"])
        case "corrupt" if isinstance(value, str) and value[:4].isdigit() and "-" in value:
            spot[key] = dice.choice(["2020-02-30", "02/03/2020", "2020-1-1", "2024-05-05T10:00"])
        case "corrupt" if isinstance(value, str) and key in ("code", "status", "use", "gender", "type", "intent"):
            spot[key] = "zzz"
        case "corrupt" if isinstance(value, str):
            spot[key] = dice.choice([" ", "", 7, f"{value} x"])
        case "corrupt" if isinstance(value, int):
            spot[key] = dice.choice([-1, "1", 2**40])
        case "extension" if "url" not in spot and isinstance(spot.get("extension", []), list):
            url = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/extension-odd"
            spot.setdefault("extension", []).append({"url": url, "valueBoolean": True})
        case "empty":
            spot[key] = {}
        case _:
            return None
    return f"{kind} {key} at {where}"


_ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**31, 2**70, Decimal("1.50"), Decimal("1E+300"), "", " ", "x", "#", "#x", "urn:uuid:x",
    "Patient/1", "http://[", "2026-13-45", "9999-12-31T23:59:60.9+14:00", "\x00", "\u202e", "é" * 300, "a" * 70_000,
    "((((a+)+)+)+)!", [], {}, [None], [[]], [{}], {"": 1}, {"extension": []}, {"extension": [{"url": "x"}]},
    {"reference": "#"}, {"reference": "Bundle/1"}, {"coding": [None, 3, {"system": [], "code": {}}]},
    {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient"}}]}, {"resourceType": "Nothing"},
    {"resourceType": ["Patient"]}, {"url": "http://[", "valueString": "x"}, [{"url": "http://[", "valueString": "x"}],
    {"value": "x", "unit": 3}, {"start": "2027", "end": "2026"},
)  # fmt: skip
_KEYS = ("id", "extension", "_id", "resourceType", "contained", "reference", "valueString", "value", "url", "meta", "x")


def damage(resource: Any, dice: random.Random) -> None:
    """One to six changes of any kind in place; the outermost stays an object."""
    for _ in range(dice.randint(1, 6)):
        found = list(places(resource))
        _, spot = dice.choice(found)
        keys = list(spot) if isinstance(spot, dict) else list(range(len(spot)))
        match dice.randrange(8):
            case 0 | 1 if keys:
                spot[dice.choice(keys)] = copy.deepcopy(dice.choice(_ODD))
            case 2 if keys:
                spot[dice.choice(keys)] = copy.deepcopy(dice.choice(found)[1])  # another part of the same input
            case 3 if keys:
                del spot[dice.choice(keys)]
            case 4 if isinstance(spot, dict):
                spot[dice.choice(_KEYS)] = copy.deepcopy(dice.choice(_ODD))
            case 5 if isinstance(spot, dict) and keys:
                key = str(dice.choice(keys))
                spot[f"_{key}"] = copy.deepcopy(dice.choice(_ODD))
            case 6 if keys:
                _nest(spot, dice.choice(keys), dice.randint(2, 30))
            case _:
                mutate(resource, dice)


def _nest(spot: Any, key: Any, levels: int) -> None:
    """Extensions in extensions in extensions."""
    inner: Any = {"url": "http://example.org/x", "valueString": "x"}
    for _ in range(levels):
        inner = {"url": "http://example.org/x", "extension": [inner]}
    spot[key] = inner


def damaged_text(data: bytes, dice: random.Random) -> bytes:
    """The bytes cut off, a piece of them gone, twice or turned into something else."""
    at = dice.randrange(len(data))
    end = min(len(data), at + dice.randint(1, 40))
    match dice.randrange(4):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + data[end:]
        case 2:
            return data[:end] + data[at:end] + data[end:]
        case _:
            return data[:at] + dice.choice([b"\xff", b"\x00", b"{" * 200, b"[" * 5_000, b"1e999999", b'"']) + data[end:]
