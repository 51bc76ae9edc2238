"""`prior-auth match-trial`: a trial's criteria against a chart. No payer is asked, and nothing is sent."""

from __future__ import annotations

from typing import Annotated

import typer

from prior_auth.commands.common import Also, AsJson, AsOf, ChartArgument, Codes, Rules, chart_of, day_of, write
from prior_auth.engine import Engine
from prior_auth.policy.match_report import as_json, as_lines
from prior_auth.rulebook import Rulebook

Trial = Annotated[
    str | None, typer.Option("--trial", metavar="ID", help="An NCT number, an id or a topic; else every trial.")
]


def register(whole: typer.Typer) -> None:
    whole.command("match-trial")(match_trial)


def match_trial(
    bundle: ChartArgument,
    trial: Trial = None,
    as_of: AsOf = None,
    also: Also = None,
    codes: Codes = None,
    as_program: AsJson = False,
    rules: Rules = None,
) -> None:
    """Say whether a chart meets a trial's criteria, or what is missing. Exit code 0 whatever comes out."""
    day = day_of(as_of)
    engine = Engine(Rulebook.load(rules))
    chart = chart_of(bundle, also, codes)
    found = engine.match(chart.resources, as_of=day, trial=trial, joined=chart)
    if as_program:
        write({"matches": [as_json(one) for one in found]})
        return
    for number, one in enumerate(found):
        for line in ([""] if number else []) + as_lines(one):
            typer.echo(line)
