"""`prior-auth evidence`: what can be asked of a chart, and what one chart answers, item by item."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Protocol

import typer

from prior_auth.evidence.gather import gather
from prior_auth.evidence.report import answer_lines, answers, catalogue, catalogue_lines
from prior_auth.fhir import json
from prior_auth.rulebook import evidence_definitions

LIST = "list"


class Chart(Protocol):
    @property
    def resources(self) -> Sequence[Mapping[str, Any]]: ...


Read = Callable[[str, "list[str] | None"], Chart]
Day = Callable[["str | None"], date]


def register(whole: typer.Typer, read: Read, day: Day) -> None:
    """`read` opens a chart, or the charts of several systems as one; `day` reads the day of judgement."""

    @whole.command()
    def evidence(
        chart: Annotated[
            str,
            typer.Argument(metavar="BUNDLE|list", help="A chart as for `assess`; `list` for all that can be asked."),
        ],
        as_of: Annotated[
            str | None, typer.Option("--as-of", metavar="DATE", help="The day of judgement (YYYY-MM-DD); today.")
        ] = None,
        also: Annotated[
            list[str] | None,
            typer.Option(
                "--also", metavar="[NAME=]BUNDLE", help="The same patient's chart elsewhere; may be repeated."
            ),
        ] = None,
        as_program: Annotated[bool, typer.Option("--json", help="Write JSON for programs.")] = False,
        rules: Annotated[
            Path | None, typer.Option("--rules", envvar="PRIOR_AUTH_RULES", help="A rules folder of your own.")
        ] = None,
    ) -> None:
        """Say what a chart holds of each evidence item, where, by which tier, and what was looked for in vain."""
        definitions = evidence_definitions(rules)
        if chart == LIST:
            items = catalogue(definitions)
            _say({"items": items}, catalogue_lines(items), as_program)
            return
        judged_on = day(as_of)
        found = gather(read(chart, also).resources, as_of=judged_on, definitions=definitions)
        told = answers(found, definitions)
        _say({"as_of": judged_on.isoformat(), "patient": found.patient, "items": told}, answer_lines(told), as_program)


def _say(content: Mapping[str, Any], lines: Iterable[str], as_program: bool) -> None:
    if as_program:
        sys.stdout.buffer.write(json.write(dict(content)) + b"\n")
        sys.stdout.buffer.flush()
        return
    for line in lines:
        typer.echo(line)
