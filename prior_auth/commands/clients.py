"""`prior-auth clients`: which systems may call the payer's FHIR routes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prior_auth.commands.common import AsJson, bytes_of, write
from prior_auth.fhir import json

if TYPE_CHECKING:
    from prior_auth.smart.clients import Registry

clients = typer.Typer(
    help="Which systems may call the payer's FHIR routes (SMART Backend Services).", no_args_is_help=True
)

FileOption = Annotated[
    Path | None, typer.Option("--file", metavar="FILE", help="The file of clients; default is the payer's setting.")
]


def register(whole: typer.Typer) -> None:
    whole.add_typer(clients, name="clients")


def _registry(file: Path | None) -> Registry:
    """Imported here: other commands start without it."""
    from prior_auth.settings import Payer, read
    from prior_auth.smart.clients import Registry

    return Registry(file or read(Payer).clients)


@clients.command()
def add(
    client_id: Annotated[str, typer.Argument(metavar="ID", help="What the system calls itself: iss and sub.")],
    organization: Annotated[
        list[str],
        typer.Option("--organization", metavar="ID", help="A sender id or NPI it sends for; may be repeated."),
    ],
    jwks_url: Annotated[
        str | None, typer.Option("--jwks-url", metavar="URL", help="Where it publishes its keys.")
    ] = None,
    jwks: Annotated[Path | None, typer.Option("--jwks", metavar="FILE", help="Its JWK set, as a file.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="How people call it.")] = None,
    scope: Annotated[
        list[str] | None, typer.Option("--scope", metavar="SCOPE", help="What it may ask for; may be repeated.")
    ] = None,
    file: FileOption = None,
) -> None:
    """Register a system, or change one that is registered. It may call at once, without a restart."""
    from prior_auth.smart.clients import DEFAULT_SCOPES, Client

    keys: Any = json.read(bytes_of(jwks)) if jwks else None
    scopes = tuple(scope or DEFAULT_SCOPES)
    made = Client(client_id, name or client_id, tuple(organization), scopes, jwks_url, keys)
    _registry(file).add(made)
    typer.echo(f"{client_id} may call for {', '.join(organization)} with {' '.join(scopes)}", err=True)


@clients.command(name="list")
def list_(
    file: FileOption = None,
    as_program: AsJson = False,
) -> None:
    """Who is registered."""
    found = _registry(file).all()
    if as_program:
        shown = [
            {
                "id": one.id,
                "name": one.name,
                "organizations": list(one.organizations),
                "scopes": list(one.scopes),
                "keys": one.jwks_url or "in the file",
            }
            for one in found
        ]
        write({"clients": shown})
        return
    for one in found:
        typer.echo(
            f"{one.id:<20} {', '.join(one.organizations)}  {' '.join(one.scopes)}  {one.jwks_url or 'keys in the file'}"
        )
    if not found:
        typer.echo("nobody yet; `prior-auth clients add` registers a system", err=True)


@clients.command()
def remove(client_id: Annotated[str, typer.Argument(metavar="ID")], file: FileOption = None) -> None:
    """Take a system out. Its tokens end at once."""
    _registry(file).remove(client_id)
    typer.echo(f"{client_id} may no longer call", err=True)
