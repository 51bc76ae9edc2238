"""Not a test: compares our verdicts with those of HL7's validator, on files as they are and on mutated copies.

    python tests/fhir_validate/compare_with_official.py URL [--mutants N] [--seed N] FILE_OR_TGZ...

URL is where the validator listens (`…/validate`, answering a POST with a list of issues). Prints each file on which
one finds an error and the other does not, and the counts.
"""

import argparse
import copy
import http.client
import json as plain
import random
import tarfile
import urllib.request
from collections import Counter
from pathlib import Path

from prior_auth.fhir import json
from prior_auth.fhir.validate import validate


def documents(path: Path):
    if path.suffix != ".tgz":
        yield path.name, json.read(path.read_bytes())
        return
    with tarfile.open(path) as archive:
        for member in archive:
            if "/example/" in member.name and member.name.endswith(".json") and "/." not in member.name:
                content = json.read(archive.extractfile(member).read())
                if "resourceType" in content:
                    yield Path(member.name).name, content


def places(value, path=()):
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


def mutate(resource, dice: random.Random) -> str | None:
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
            case "repeat":
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
        case "extension" if "url" not in spot:
            url = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/extension-odd"
            spot.setdefault("extension", []).append({"url": url, "valueBoolean": True})
        case "empty":
            spot[key] = {}
        case _:
            return None
    return f"{kind} {key} at {where}"


def official(url: str, resource) -> list:
    request = urllib.request.Request(url, json.write(resource), {"Content-Type": "application/fhir+json"})
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            found = plain.load(response)
    except http.client.RemoteDisconnected:  # it gives up on some malformed input
        return [{"severity": "fatal", "location": "", "messageId": "no answer", "message": ""}]
    return [one for one in found if one["severity"] in ("error", "fatal")]


def compare(url: str, name: str, resource, counts: Counter) -> None:
    ours = [one for one in validate(resource) if one.severity == "error"]
    theirs = official(url, resource)
    verdict = ("both fault" if ours else "ours only") if ours else ("theirs only" if theirs else "both accept")
    verdict = "both fault" if ours and theirs else verdict
    counts[verdict] += 1
    if verdict in ("ours only", "theirs only"):
        print(f"{verdict}: {name}")
        for one in ours[:3]:
            print(f"    ours   {one.path} [{one.rule}] {one.message[:160]}")
        for one in theirs[:3]:
            print(f"    theirs {one['location']} [{one['messageId']}] {one['message'][:160]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--mutants", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    originals = [one for path in given.files for one in documents(path)]
    counts: Counter = Counter()
    if not given.mutants:
        for name, resource in originals:
            compare(given.url, name, resource, counts)
    dice = random.Random(given.seed)
    made = 0
    while made < given.mutants:
        name, resource = dice.choice(originals)
        changed = copy.deepcopy(resource)
        what = mutate(changed, dice)
        if what is not None and changed != resource:
            made += 1
            compare(given.url, f"{name}: {what}", changed, counts)
    print(dict(counts))


if __name__ == "__main__":
    main()
