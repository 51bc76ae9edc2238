"""Who may call: registered clients, in one JSON file that people and the command line edit."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prior_auth.errors import BadInput, NotFound, SettingsError
from prior_auth.smart.keys import read_keys
from prior_auth.smart.scopes import permissions

_ID = re.compile(r"[A-Za-z0-9._~-]{1,100}")
DEFAULT_SCOPES = ("system/Claim.cruds", "system/Subscription.cruds")


@dataclass(frozen=True, slots=True)
class Client:
    """One sending system. `organizations` are the ids by which its requests may name their sender.

    They are plain (`1234567893`) or with their system (`http://hl7.org/fhir/sid/us-npi|1234567893`); a plain one fits
    every system. The keys are at `jwks_url`, or stand here as `jwks`.
    """

    id: str
    name: str
    organizations: tuple[str, ...]
    scopes: tuple[str, ...] = DEFAULT_SCOPES
    jwks_url: str | None = None
    jwks: Mapping[str, Any] | None = None

    def acts_for(self, sender: str) -> bool:
        """Whether a request or a filter may name this sender."""
        return sender in self.organizations or sender.rpartition("|")[2] in self.organizations


class Registry:
    """The file is read again when it has changed: a new client need not wait for a restart."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read_at: tuple[int, int] | None = None
        self._clients: dict[str, Client] = {}

    def all(self) -> list[Client]:
        self._refresh()
        return list(self._clients.values())

    def get(self, id: str) -> Client | None:
        self._refresh()
        return self._clients.get(id)

    def add(self, client: Client) -> None:
        """Put a client in, in place of one of the same id. Raises BadInput."""
        self._refresh()
        checked = _client(client.id, _entry(client), str(self._file))
        self._write({**self._clients, client.id: checked})

    def remove(self, id: str) -> None:
        self._refresh()
        if id not in self._clients:
            raise NotFound(f"no client {id}", where=str(self._file), fix="see `prior-auth clients list`")
        self._write({known: client for known, client in self._clients.items() if known != id})

    def _refresh(self) -> None:
        try:
            found = self._file.stat()
        except FileNotFoundError:
            self._read_at, self._clients = None, {}
            return
        stamp = (found.st_mtime_ns, found.st_size)
        if stamp != self._read_at:
            self._clients, self._read_at = self._read(), stamp

    def _read(self) -> dict[str, Client]:
        where = str(self._file)
        try:
            document = json.loads(self._file.read_bytes())
        except (OSError, ValueError) as problem:
            raise SettingsError("the file of clients cannot be read", where=where, fix="mend the JSON") from problem
        listed = document.get("clients") if isinstance(document, dict) else None
        if not isinstance(listed, dict):
            raise SettingsError("no clients in this file", where=where, fix='write {"clients": {"<id>": {...}}}')
        try:
            return {id: _client(id, entry, f"{where}: {id}") for id, entry in listed.items()}
        except BadInput as problem:
            raise SettingsError(problem.message, where=problem.where, fix=problem.fix) from None

    def _write(self, clients: Mapping[str, Client]) -> None:
        written = {"clients": {id: _entry(client) for id, client in clients.items()}}
        self._file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._file.parent, prefix=self._file.name)
        with os.fdopen(handle, "w") as out:
            json.dump(written, out, indent=1)
        os.replace(name, self._file)


def _entry(client: Client) -> dict[str, Any]:
    keys = {"jwks_url": client.jwks_url} if client.jwks_url else {"jwks": client.jwks}
    return {
        "name": client.name,
        "organizations": list(client.organizations),
        "scopes": list(client.scopes),
        **keys,
    }


def _client(id: str, entry: object, where: str) -> Client:
    if not _ID.fullmatch(id):
        raise BadInput("a client id of other signs", where=where, fix="use letters, digits and . _ ~ -")
    if not isinstance(entry, Mapping):
        raise BadInput("a client that is no object", where=where)
    organizations, scopes = _texts(entry, "organizations", where), _texts(entry, "scopes", where)
    unknown = [scope for scope in scopes if not permissions(scope)]
    if unknown:
        raise BadInput(f"{unknown[0]} is no system scope", where=where, fix="write it as system/Claim.cruds")
    url, jwks = entry.get("jwks_url"), entry.get("jwks")
    if (url is None) == (jwks is None):
        raise BadInput("a client has either a jwks_url or a jwks", where=where, fix="give one of them")
    if url is not None and not (isinstance(url, str) and url.startswith(("https://", "http://"))):
        raise BadInput("jwks_url is no URL", where=where, fix="write it as https://host/path")
    if jwks is not None:
        read_keys(jwks, where=where)
    return Client(id, str(entry.get("name", id)), organizations, scopes, url, jwks)


def _texts(entry: Mapping[str, Any], name: str, where: str) -> tuple[str, ...]:
    found = entry.get(name)
    if not isinstance(found, list) or not found or not all(isinstance(one, str) and one.strip() for one in found):
        raise BadInput(f"{name} is no list of texts", where=where, fix=f'write "{name}": ["..."]')
    return tuple(one.strip() for one in found)
