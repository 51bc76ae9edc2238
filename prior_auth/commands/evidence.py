"""`prior-auth evidence`: what can be asked of a chart, and what one chart answers, item by item."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer

from prior_auth.commands.common import Also, AsJson, AsOf, Codes, Rules, chart_of, day_of, write
from prior_auth.evidence.gather import gather
from prior_auth.evidence.report import answer_lines, answers, catalogue, catalogue_lines, local_codes, local_lines
from prior_auth.rulebook import evidence_definitions

LIST = "list"


ChartOrList = Annotated[
    str, typer.Argument(metavar="BUNDLE|list", help="A chart as for `assess`; `list` for all that can be asked.")
]


def register(whole: typer.Typer) -> None:
    whole.command()(evidence)


def evidence(
    chart: ChartOrList,
    as_of: AsOf = None,
    also: Also = None,
    codes: Codes = None,
    as_program: AsJson = False,
    rules: Rules = None,
) -> None:
    """Say what a chart holds of each evidence item, where, by which tier, and what was looked for in vain."""
    definitions = evidence_definitions(rules)
    if chart == LIST:
        items = catalogue(definitions)
        _say({"items": items}, catalogue_lines(items), as_program)
        return
    judged_on = day_of(as_of)
    joined = chart_of(chart, also, codes)
    found = joined.with_origins(gather(joined.resources, as_of=judged_on, definitions=definitions))
    told, local = answers(found, definitions), local_codes(joined.resources)
    content = {"as_of": judged_on.isoformat(), "patient": found.patient, "items": told, "local_codes": local}
    _say(content, [*answer_lines(told), *local_lines(local)], as_program)


def _say(content: Mapping[str, Any], lines: Iterable[str], as_program: bool) -> None:
    if as_program:
        write(dict(content))
        return
    for line in lines:
        typer.echo(line)
