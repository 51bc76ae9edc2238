"""`prior-auth conformance pas-server` and `pas-client`: judge any PAS server, and any client, by the guide's rules."""

from __future__ import annotations

import secrets
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prior_auth.commands.common import AsJson, bytes_of, write
from prior_auth.errors import BadInput
from prior_auth.fhir import json
from prior_auth.fhir.codes import Json
from prior_auth.fhir.pas_script import Word

if TYPE_CHECKING:
    from prior_auth.conformance.pas.listener import Listener
    from prior_auth.conformance.pas.payer_play import Play, Turn
    from prior_auth.conformance.pas.verdicts import Report
    from prior_auth.smart.client import Identity
    from prior_auth.smart.server import AuthorizationServer

_SCOPE = "system/Claim.cruds system/Subscription.cruds"
_LOOK_EVERY = 0.2  # seconds
_FIRST = 5  # times as long for the first call

Listen = Annotated[str, typer.Option("--listen", metavar="HOST:PORT", help="Where this command listens.")]
PublicUrl = Annotated[
    str | None,
    typer.Option("--public-url", metavar="URL", help="How the other side reaches it, if that is not the same."),
]


def pas_server(
    url: Annotated[
        str, typer.Argument(metavar="URL", help="The server's PAS base, such as https://payer.example/fhir.")
    ],
    sender: Annotated[
        str, typer.Option("--sender", metavar="CODE", help="Our sending system's id, as the server registered it.")
    ] = "CONFORMANCE",
    payer: Annotated[
        str, typer.Option("--payer", metavar="SYSTEM|VALUE", help="The insurer's identifier in our requests.")
    ] = "http://example.org/payer-id|EXPAYER01",
    payload: Annotated[
        list[str] | None,
        typer.Option(
            "--payload",
            metavar="WORD=FILE",
            help="A request of yours that the server will approve, deny, modify or pend.",
        ),
    ] = None,
    client_id: Annotated[
        str | None, typer.Option("--client-id", metavar="ID", help="By what name the server knows us (SMART).")
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option("--key", metavar="FILE", help="Our private key, one JWK (mode 0600), made if missing."),
    ] = None,
    scope: Annotated[str, typer.Option("--scope", help="What we ask to be allowed.")] = _SCOPE,
    public_keys: Annotated[
        bool, typer.Option("--public-keys", help="Write the public JWK set of --key, for the server to register; end.")
    ] = False,
    listen: Listen = "127.0.0.1:0",
    public_url: PublicUrl = None,
    wait: Annotated[float, typer.Option("--wait", metavar="SECONDS", help="How long a notification may take.")] = 60.0,
    as_program: AsJson = False,
) -> None:
    """Judge a PAS server. Exit code 1 if a rule is broken, 2 if it could not be judged.

    Its notifications come to --listen. Decisions are asked for by the extension `urn:prior-auth:scripted-decision` and
    by product codes; a server that listens to neither is given --payload for each decision.
    """
    import httpx2

    from prior_auth.conformance.pas import listener, server_suite
    from prior_auth.conformance.pas.payloads import Sender
    from prior_auth.conformance.pas.wire import Server
    from prior_auth.smart.client import SmartAuth

    if public_keys:
        _show_keys(key)
        return
    identity, base = _identity(client_id, key, scope), url.rstrip("/")
    run = secrets.token_hex(4)
    who = Sender(run, sender, _pair(payer, "--payer"), datetime.now(UTC).replace(microsecond=0))
    plan = server_suite.Plan(who, secrets.token_urlsafe(24), wait, _payloads(payload), identity)
    host, port = _place(listen)
    auth = SmartAuth(base, identity, lambda: datetime.now(UTC)) if identity else None
    with (
        listener.listening(server_suite.take, host=host, port=port, public=public_url) as heard,
        httpx2.Client(auth=auth, timeout=60) as http,
        httpx2.Client(timeout=60) as plain,
    ):
        _tell(server_suite.run(Server(base, http, plain), heard, plan), as_program)


def pas_client(
    turns: Annotated[
        str, typer.Option("--turns", metavar="WORDS", help="What happens to each new request, in order of arrival.")
    ] = "approve,deny,modify,pend,ask,everything,error,refuse,down",
    client_id: Annotated[
        str | None, typer.Option("--client-id", metavar="ID", help="The client's id: then it needs tokens (SMART).")
    ] = None,
    jwks: Annotated[Path | None, typer.Option("--jwks", metavar="FILE", help="Its public keys, a JWK set.")] = None,
    jwks_url: Annotated[
        str | None, typer.Option("--jwks-url", metavar="URL", help="Where it publishes its keys.")
    ] = None,
    must_support: Annotated[
        bool, typer.Option("--must-support", help="Want every must-support element in its requests.")
    ] = False,
    listen: Listen = "127.0.0.1:8799",
    public_url: PublicUrl = None,
    wait: Annotated[
        float, typer.Option("--wait", metavar="SECONDS", help="Judge after so long a silence (or at Ctrl-C).")
    ] = 120.0,
    as_program: AsJson = False,
) -> None:
    """Play a payer for a PAS client and judge what it sends. Exit code 1 if a rule is broken, 2 if nothing came.

    Point the client at the address that is shown; let it subscribe, send a new request for each of --turns, answer what
    is asked for, then change and cancel one that was approved.
    """
    from prior_auth.conformance.pas import client_suite, listener
    from prior_auth.conformance.pas.payer_play import Play

    host, port = _place(listen)
    play = Play("", _turns(turns))
    with ExitStack() as stack:
        heard = stack.enter_context(listener.listening(play.handle, host=host, port=port, public=public_url))
        play.base = f"{heard.url}/fhir"
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        play.guard = _guard(heard.url, client_id, jwks, jwks_url, folder)
        typer.echo(f"the payer is at {play.base}; waiting for {', '.join(play.turns)}", err=True)
        _until_silent(play, heard, wait)
    _tell(client_suite.judge(play, with_census=must_support), as_program)


def _until_silent(play: Play, heard: Listener, wait: float) -> None:
    """Until nothing came for `wait` seconds, or the person at the keyboard has seen enough; the first call may take
    longer, as the client has yet to be pointed here."""
    start, told = time.monotonic(), 0
    try:
        while not heard.calls and time.monotonic() - start < _FIRST * wait:
            time.sleep(_LOOK_EVERY)
        while heard.calls and time.monotonic() - heard.calls[-1].at < wait:
            time.sleep(_LOOK_EVERY)
            for chain in play.chains[told:]:
                typer.echo(f"came: {chain.name}", err=True)
            told = len(play.chains)
    except KeyboardInterrupt:
        typer.echo("judging what came", err=True)


def _tell(report: Report, as_program: bool) -> None:
    if as_program:
        write(report.as_json())
    else:
        for line in report.lines():
            typer.echo(line)
    if report.exit_code:
        sys.exit(report.exit_code)


def _identity(client_id: str | None, key: Path | None, scope: str) -> Identity | None:
    from prior_auth.smart.client import Identity
    from prior_auth.smart.keys import load_or_create

    if client_id is None:
        return None
    if key is None:
        raise BadInput("a client id without a key", where="--key", fix="name a file for the private key")
    return Identity(client_id, load_or_create(key), scope)


def _show_keys(key: Path | None) -> None:
    from prior_auth.smart.keys import load_or_create, published

    if key is None:
        raise BadInput("no key to show", where="--key", fix="name a file for the private key")
    write(published(load_or_create(key)))


def _guard(
    root: str, client_id: str | None, jwks: Path | None, jwks_url: str | None, folder: Path
) -> AuthorizationServer | None:
    from prior_auth.conformance.pas import guard

    if client_id is None:
        return None
    if (jwks is None) == (jwks_url is None):
        raise BadInput("the client's keys are one of two", where="--jwks", fix="give --jwks FILE or --jwks-url URL")
    keys = jwks_url if jwks is None else json.read(bytes_of(jwks), name=str(jwks))
    assert keys is not None
    return guard.of_one_client(root, client_id, keys, folder / "clients.json")


def _turns(stated: str) -> tuple[Turn, ...]:
    from prior_auth.conformance.pas.payer_play import Turn

    try:
        return tuple(Turn(one.strip()) for one in stated.split(",") if one.strip())
    except ValueError:
        raise BadInput("no such turn", where="--turns", fix=f"use {', '.join(Turn)}") from None


def _payloads(stated: list[str] | None) -> Mapping[Word, Json]:
    found: dict[Word, Json] = {}
    for one in stated or ():
        word, _, file = one.partition("=")
        if word not in set(Word) or not file:
            raise BadInput("no WORD=FILE", where="--payload", fix="write it as deny=request.json")
        found[Word(word)] = json.read(bytes_of(Path(file)), name=file)
    return found


def _pair(stated: str, option: str) -> tuple[str, str]:
    system, bar, value = stated.partition("|")
    if not (system and bar and value):
        raise BadInput("no SYSTEM|VALUE", where=option, fix="write it as http://example.org/payer-id|EXPAYER01")
    return system, value


def _place(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise BadInput("no HOST:PORT", where="--listen", fix="write it as 127.0.0.1:8799")
    return host, int(port)
