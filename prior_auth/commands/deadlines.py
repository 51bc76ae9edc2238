"""`prior-auth deadlines`: the legal clocks, all rows of them or what they come to for one receipt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from prior_auth.commands.common import AsJson, write
from prior_auth.domain.deadline import BenefitKind, Channel, DeadlineRow, Program, Terms
from prior_auth.domain.legal_clock import started
from prior_auth.domain.request import Urgency
from prior_auth.errors import BadInput
from prior_auth.policy.clock_report import as_json, as_lines, row_as_json, row_line
from prior_auth.policy.model import Payer, Plan
from prior_auth.rulebook import payers_and_deadlines

_PROGRAMS = {
    "ma": Program.MEDICARE_ADVANTAGE,
    "medicaid": Program.MEDICAID_FFS,
    "medicaid-mco": Program.MEDICAID_MANAGED,
    "chip": Program.CHIP_FFS,
    "chip-mco": Program.CHIP_MANAGED,
    "qhp": Program.QHP_FFE,
}
_BENEFITS = {
    "medical": BenefitKind.SERVICE,
    "part-b": BenefitKind.MEDICAL_DRUG,
    "part-d": BenefitKind.PHARMACY_DRUG,
    "pharmacy": BenefitKind.PHARMACY_DRUG,
}

Word = TypeVar("Word", bound=StrEnum)


def register(app: typer.Typer) -> None:
    app.command()(deadlines)


def deadlines(
    program: Annotated[
        str | None, typer.Option(metavar="PROGRAM", help="MA, medicaid-ffs, qhp-ffe, commercial …")
    ] = None,
    benefit: Annotated[
        str, typer.Option(metavar="KIND", help="service, medical-drug (Part B) or pharmacy.")
    ] = "service",
    urgency: Annotated[str, typer.Option(metavar="URGENCY", help="standard or expedited.")] = "standard",
    channel: Annotated[str, typer.Option(metavar="CHANNEL", help="electronic or other.")] = "electronic",
    state: Annotated[str | None, typer.Option(metavar="ST", help="Whose law binds the plan, two letters.")] = None,
    zone: Annotated[str | None, typer.Option(metavar="ZONE", help="The payer's zone; else that of --payer.")] = None,
    received: Annotated[str | None, typer.Option(metavar="INSTANT", help="2027-01-05T10:00-06:00; now.")] = None,
    payer: Annotated[str | None, typer.Option(metavar="ID", help="A payer of the rulebook.")] = None,
    plan: Annotated[str | None, typer.Option(metavar="PLAN", help="A plan of it: its program, state and zone.")] = None,
    as_program: AsJson = False,
    rules: Annotated[Path | None, typer.Option(envvar="PRIOR_AUTH_RULES", help="A rules folder of your own.")] = None,
) -> None:
    """Say by when a payer has to answer and by which law; without a program or plan, list every row of law."""
    payers, rows = payers_and_deadlines(rules)
    if program is None and plan is None:
        _list(rows, as_program)
        return
    of = _payer({one.id: one for one in payers}, payer)
    bound = _plan(of, plan) if plan is not None else None
    terms = Terms(
        program=_word(Program, program, "--program", _PROGRAMS) if program else _program(bound),
        benefits=(_word(BenefitKind, benefit, "--benefit", _BENEFITS),),
        urgency=_word(Urgency, urgency, "--urgency"),
        channel=_word(Channel, channel, "--channel"),
        state=state.upper() if state else bound.state if bound else None,
        zone=_zone(zone or (of.zone if of else None)),
        rating_period=bound.rating_period if bound else None,
    )
    clock = started(rows, terms, _instant(received, terms))
    if as_program:
        write(as_json(clock))
    else:
        for line in as_lines(clock):
            typer.echo(line)


def _list(rows: Sequence[DeadlineRow], as_program: bool) -> None:
    if as_program:
        write({"rows": [row_as_json(row) for row in rows]})
    else:
        for row in rows:
            typer.echo(row_line(row))


def _payer(payers: Mapping[str, Payer], id: str | None) -> Payer | None:
    """The named payer, else the only one there is."""
    if id is None:
        return next(iter(payers.values())) if len(payers) == 1 else None
    found = payers.get(id)
    if found is None:
        raise BadInput("no such payer", where="--payer", fix=f"known: {', '.join(payers)}")
    return found


def _plan(payer: Payer | None, id: str) -> Plan:
    if payer is None:
        raise BadInput("a plan of which payer?", where="--plan", fix="name the --payer")
    if id not in payer.plans:
        raise BadInput("no such plan", where="--plan", fix=f"known: {', '.join(payer.plans)}")
    return payer.plans[id]


def _program(plan: Plan | None) -> Program:
    assert plan is not None
    return plan.program


def _word(words: type[Word], stated: str, where: str, short: dict[str, Word] | None = None) -> Word:
    plain = stated.strip().lower().replace(" ", "-").replace("_", "-")
    if short and plain in short:
        return short[plain]
    try:
        return words(plain)
    except ValueError:
        known = ", ".join([*(one.value for one in words), *(short or {})])
        raise BadInput(f"{stated!r} is not known", where=where, fix=f"use one of {known}") from None


def _zone(name: str | None) -> str:
    if name is None:
        raise BadInput("whose calendar days?", where="--zone", fix="name an IANA zone, or the --payer")
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise BadInput(f"{name!r} is no time zone", where="--zone", fix="write it as America/Chicago") from None
    return name


def _instant(stated: str | None, terms: Terms) -> datetime:
    """The receipt; one without an offset is in the payer's zone. Here, and nowhere below, the clock may be asked."""
    if stated is None:
        return datetime.now(UTC).replace(microsecond=0)
    try:
        at = datetime.fromisoformat(stated)
    except ValueError:
        raise BadInput(
            f"{stated!r} is no instant", where="--received", fix="write it as 2027-01-05T10:00-06:00"
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=terms.tzinfo)
