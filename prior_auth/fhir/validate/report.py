"""What `prior-auth validate` prints: the judgement of one file as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from prior_auth.fhir import json
from prior_auth.fhir.validate.issue import Issue, has_errors
from prior_auth.fhir.validate.judge import validate


@dataclass(frozen=True, slots=True)
class Report:
    issues: tuple[Issue, ...]

    @property
    def exit_code(self) -> int:
        """1 if anything is an error; unreadable input never gets as far as a report."""
        return 1 if has_errors(list(self.issues)) else 0

    def as_json(self) -> dict[str, Any]:
        """`{"issues": [{"severity", "path", "rule", "message", "fix"}]}`, fix null where there is none."""
        return {"issues": [asdict(one) for one in self.issues]}

    def lines(self) -> list[str]:
        """One line a finding for people, the gravest first."""
        weight = {"error": 0, "warning": 1, "information": 2}
        ordered = sorted(self.issues, key=lambda one: weight[one.severity])
        return [
            f"{one.severity:<11} {one.path}: {one.message} [{one.rule}]" + (f" ({one.fix})" if one.fix else "")
            for one in ordered
        ]


def report(data: bytes | str, *, name: str | None = None, profiles: Sequence[str] = ()) -> Report:
    """Judge a file's content against `profiles`, or, if none, against its meta.profile and base R4.

    Raises BadInput (`where` is line and column, after `name`) for what is not one JSON object.
    """
    return Report(tuple(validate(json.read(data, name=name), profiles=profiles)))
