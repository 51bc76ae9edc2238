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

from mutations import mutate

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


def official(url: str, resource) -> list:
    request = urllib.request.Request(url, json.write(resource), {"Content-Type": "application/fhir+json"})
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            found = plain.load(response)
    except http.client.RemoteDisconnected:  # it gives up on some malformed input
        return [{"severity": "fatal", "location": "", "messageId": "no answer", "message": ""}]
    return [one for one in found if one["severity"] in ("error", "fatal")]


_VERDICTS = {
    (True, True): "both fault",
    (True, False): "ours only",
    (False, True): "theirs only",
    (False, False): "both accept",
}


def compare(url: str, name: str, resource, counts: Counter) -> None:
    ours = [one for one in validate(resource) if one.severity == "error"]
    theirs = official(url, resource)
    verdict = _VERDICTS[bool(ours), bool(theirs)]
    if any(one["messageId"] == "no answer" for one in theirs):
        verdict = "no answer of theirs"
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
