"""`prior-auth conformance …`: how this product, or a server, does in suites that others wrote."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from prior_auth import paths
from prior_auth.commands import conformance_pas
from prior_auth.commands.common import AsJson, write
from prior_auth.conformance import cql_suite, fhirpath_suite
from prior_auth.conformance.counts import FAILED, OUTCOMES, PASSED

conformance = typer.Typer(
    help="Run suites that others wrote, and count; judge PAS servers and clients.", no_args_is_help=True
)

Details = Annotated[bool, typer.Option("--details", help="Name each test that did not pass, and why.")]


class PathEngine(StrEnum):
    OWN = paths.OWN
    LIBRARY = paths.LIBRARY


conformance.command("pas-server")(conformance_pas.pas_server)
conformance.command("pas-client")(conformance_pas.pas_client)


def register(app: typer.Typer) -> None:
    app.add_typer(conformance, name="conformance")


@conformance.command()
def cql(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the official CQL suite (*.xml).")],
    as_program: AsJson = False,
    details: Details = False,
) -> None:
    """Run the official CQL suite. Exit code 1 if a test failed."""
    counted = cql_suite.run(directory)
    if details and not as_program:
        for file in cql_suite.test_files(directory):
            _name(cql_suite.verdicts(file))
    _tell(counted, as_program)


@conformance.command()
def fhirpath(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The XML of the official FHIRPath suite, `input` beside it.")
    ],
    engine: Annotated[PathEngine, typer.Option("--engine", help="Which engine to ask.")] = PathEngine.OWN,
    as_program: AsJson = False,
    details: Details = False,
) -> None:
    """Run the official FHIRPath R4 suite. Exit code 1 if a test failed."""
    counted = fhirpath_suite.run(file, engine=engine)
    if details and not as_program:
        _name(fhirpath_suite.verdicts(file, engine=engine))
    _tell(counted, as_program)


def _tell(counted: Mapping[str, Any], as_program: bool) -> None:
    if as_program:
        write(counted)
    else:
        for line in _table(counted):
            typer.echo(line)
    if counted[FAILED]:
        raise typer.Exit(1)


def _table(counted: Mapping[str, Any]) -> Iterator[str]:
    columns = (*OUTCOMES, "total")
    rows = [*counted["files"].items(), ("in all", counted)]
    width = max(len(name) for name, _ in rows)
    yield "  ".join([" " * width, *columns])
    for name, counts in rows:
        yield "  ".join([name.ljust(width), *(str(counts[one]).rjust(len(one)) for one in columns)])
    yield f"{counted[PASSED] / counted['total']:.1%} passed"


def _name(verdicts: Iterable[cql_suite.Verdict | fhirpath_suite.Verdict]) -> None:
    for one in verdicts:
        if one.outcome != PASSED:
            typer.echo(f"{one.outcome:<11} {one.case.key}: {one.detail}")
