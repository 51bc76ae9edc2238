"""Keys that sign client assertions: made, kept in a file, published as a JWK set; and those that others publish."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey

from prior_auth.errors import BadInput, SettingsError

Key = ECKey | RSAKey
JwkSet = Mapping[str, Any]

# What SMART asks servers and clients to support. `none` and every HMAC are refused by not being here.
ALGORITHMS: Final = ("ES384", "RS384")
_ONLY_OWNER = 0o600
_SIGNING = {"use": "sig"}


def new_key(algorithm: str = "ES384") -> Key:
    """A private key of one of `ALGORITHMS`; its id is its RFC 7638 thumbprint."""
    if algorithm not in ALGORITHMS:
        raise SettingsError(f"{algorithm} is no algorithm of SMART", fix=f"use one of {', '.join(ALGORITHMS)}")
    named = cast("Any", {**_SIGNING, "alg": algorithm})
    made: Key = ECKey.generate_key("P-384", named) if algorithm == "ES384" else RSAKey.generate_key(3072, named)
    made.ensure_kid()
    return made


def load_or_create(file: Path, algorithm: str = "ES384") -> Key:
    """The private key of this file (one JWK, mode 0600), made where there is none. Raises SettingsError."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        made = json.dumps(new_key(algorithm).as_dict(private=True)).encode()
        try:
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _ONLY_OWNER)
        except FileExistsError:
            return load(file)  # another process was quicker: its key is the key
        with os.fdopen(handle, "wb") as out:
            out.write(made)
    return load(file)


def load(file: Path) -> Key:
    """Raises SettingsError where the file is no private signing key, or others may read it."""
    try:
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise SettingsError("others may read this private key", where=str(file), fix=f"chmod 600 {file}")
        found = read_keys({"keys": [json.loads(file.read_bytes())]}, where=str(file))
    except (OSError, ValueError) as problem:
        raise SettingsError("no private key can be read", where=str(file), fix="name a file of one JWK") from problem
    except BadInput as problem:
        raise SettingsError(problem.message, where=str(file), fix=problem.fix) from None
    if not found[0].is_private:
        raise SettingsError("this is a public key", where=str(file), fix="name the file of the private one")
    return found[0]


def published(*keys: Key) -> dict[str, Any]:
    """The public JWK set of these keys."""
    return {"keys": [key.as_dict(private=False) for key in keys]}


def read_keys(document: object, *, where: str) -> Sequence[Key]:
    """The signing keys of a JWK set that SMART knows. Raises BadInput where there is none."""
    listed = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(listed, list):
        raise BadInput("no JWK set", where=where, fix='publish {"keys": [...]}')
    found: list[Key] = []
    for one in listed:
        if not isinstance(one, dict) or one.get("use", "sig") != "sig":
            continue
        try:
            key = KeySet.import_key_set(cast("Any", {"keys": [one]})).keys[0]
        except (JoseError, ValueError, TypeError):
            continue  # a key of another kind stands beside those that can be used
        if (isinstance(key, ECKey) and key.curve_name == "P-384") or isinstance(key, RSAKey):
            found.append(key)
    if not found:
        raise BadInput("no key for ES384 or RS384", where=where, fix="publish an EC key on P-384 or an RSA key")
    return found


def algorithm_of(key: Key) -> str:
    return "ES384" if isinstance(key, ECKey) else "RS384"
