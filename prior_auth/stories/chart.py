"""A chart being written: gives ids, remembers who is who, collects resources."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from prior_auth.errors import BadInput
from prior_auth.stories.codes import LOINC, MCODE, NCIT, THO, UCUM, US_CORE, US_CORE_CODES, Json, coding, concept
from prior_auth.stories.days import stated

Fact = Mapping[str, Any]


class Chart:
    """Resources of one patient in the order told. `name` starts every id, so that charts can share a server."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.resources: list[Json] = []
        self.cancers: dict[str, str] = {}  # name in the story -> reference; the first is the one meant by default
        self._seen: Counter[str] = Counter()

    @property
    def patient(self) -> Json:
        return {"reference": f"Patient/{self.name}"}

    @property
    def oncologist(self) -> Json:
        return {"reference": f"PractitionerRole/{self.name}-oncologist"}

    @property
    def requester(self) -> Json:
        """The oncologist as a person: mCODE's orders may not name a role."""
        return {"reference": f"Practitioner/{self.name}-practitioner"}

    @property
    def coverage(self) -> Json:
        return {"reference": f"Coverage/{self.name}-coverage"}

    def add(self, resource: Json) -> str:
        """Keep a resource; its reference."""
        self.resources.append(resource)
        return f"{resource['resourceType']}/{resource['id']}"

    def new(self, kind: str, about: str, profile: str | None = None, *, id: str | None = None) -> Json:
        """The head of a resource about an evidence item; the second about the same item is number 2."""
        if id is None:
            slug = about.replace(".", "-")
            self._seen[slug] += 1
            number = self._seen[slug]
            rest = f"-{slug}" + (f"-{number}" if number > 1 else "")
            id = self.name[: 64 - len(rest)] + rest  # FHIR: an id has at most 64 characters
        head: Json = {"resourceType": kind, "id": id}
        return head | ({"meta": {"profile": [profile]}} if profile else {})

    def cancer(self, fact: Fact) -> list[Json]:
        """A reference to the cancer that a fact is `of`, the first unless told; none in a chart without one."""
        if not self.cancers and "of" not in fact:
            return []
        wanted = str(fact.get("of", next(iter(self.cancers), None)))
        if wanted not in self.cancers:
            raise BadInput(f"no cancer {wanted!r}", where=self.name, fix=f"one of {', '.join(self.cancers)}")
        return [{"reference": self.cancers[wanted]}]

    def document(
        self, about: str, words: str, fact: Fact, *, type_: Json | None = None, named: str | None = None
    ) -> str:
        """A clinical note in plain text that says `words`."""
        note = self.new("DocumentReference", about, f"{US_CORE}us-core-documentreference", id=fact.get("id"))
        category = coding(f"{US_CORE_CODES}us-core-documentreference-category", "clinical-note")
        day = stated(fact["on"])
        text = {"contentType": "text/plain", "data": base64.b64encode(words.encode()).decode()}
        return self.add(
            note
            | {
                "status": "current",
                "type": concept(type_ or coding(LOINC, "11488-4", "Consult note"), text=named),
                "category": [concept(category)],
                "subject": self.patient,
                **({"date": f"{day}T12:00:00Z"} if len(day) == 10 else {}),  # an instant is of a whole day
                "author": [self.oncologist],
                "content": [{"attachment": text}],
            }
        )


def quantity(text: str | int, unit: str | None = None) -> Json:
    """`60 %` -> a UCUM Quantity with the digits as written; a comparator (`<1 %`) stays. Raises BadInput."""
    number, _, stated_unit = str(text).partition(" ")
    comparator = number[: len(number) - len(number.lstrip("<>="))]
    try:
        value = Decimal(number[len(comparator) :])
    except InvalidOperation:
        raise BadInput(
            f"no quantity: {text!r}", fix="write a number, a blank and a UCUM unit, such as '60 %'"
        ) from None
    code = stated_unit or unit or "1"
    whole: Json = {"value": int(value) if value == value.to_integral() and "." not in number else value}
    if comparator:
        whole["comparator"] = comparator
    return whole | {"unit": code, "system": UCUM, "code": code}


def category(code: str) -> list[Json]:
    return [concept(coding(f"{THO}observation-category", code))]


def word(fact: Fact, key: str, words: Mapping[str, Any]) -> Any:
    """What a word of the story stands for. Raises BadInput for one it does not know."""
    said = str(fact[key])
    if said not in words:
        raise BadInput(f"{key} {said!r} is not known", fix=f"one of {', '.join(map(str, words))}")
    return words[said]


NCIT_GRADE = coding(NCIT, "C18000", "Histologic grade")
MCODE_RELATED = f"{MCODE}mcode-related-condition"
