"""Seals what the store keeps: AES-256-GCM under a side's own key, each payload bound to its place.

A sealed payload is `1 | key id (8) | nonce (12) | ciphertext and tag`. The place (table, owner, name) is associated
data: a payload copied into another row does not open.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from prior_auth.errors import PriorAuthError, SettingsError

KEY_BYTES = 32
_FORMAT = b"\x01"
_KEY_ID_BYTES = 8
_NONCE_BYTES = 12
_HEADER_BYTES = 1 + _KEY_ID_BYTES
_SHORTEST = _HEADER_BYTES + _NONCE_BYTES + 16
_ONLY_OWNER = 0o600


class SealBroken(PriorAuthError):
    """A payload does not open: it was changed, moved to another place, or sealed under a key that is not here."""


class KeyRing:
    """The keys of one side, the newest last. The newest seals; every key opens what it sealed."""

    def __init__(self, *keys: bytes) -> None:
        if not keys:
            raise SettingsError("no key to seal with", fix="make a key file with `create_key`")
        if any(len(key) != KEY_BYTES for key in keys):
            raise SettingsError(f"a key has {KEY_BYTES} bytes", fix="make a key file with `create_key`")
        self._oldest, self._newest = keys[0], keys[-1]
        self._ciphers: Mapping[bytes, AESGCM] = {_key_id(key): AESGCM(key) for key in keys}

    def __repr__(self) -> str:
        return f"KeyRing({len(self._ciphers)} keys)"

    @classmethod
    def load(cls, path: Path) -> KeyRing:
        """Read a key file: one key a line in base64, the newest last. Raises SettingsError."""
        _refuse_open_doors(path)
        return cls(*(_key(line, f"{path}:{number}") for number, line in _lines(path)))

    @classmethod
    def load_or_create(cls, path: Path) -> KeyRing:
        """The keys of this file, which is made where there is none; processes that start at once agree on one."""
        if not path.exists():
            with suppress(FileExistsError):  # another process was quicker: its key is the key
                create_key(path)
        return cls.load(path)

    def derived(self, purpose: str) -> bytes:
        """A key of 32 bytes for another purpose, such as workflow payloads.

        From the oldest key: what it sealed elsewhere stays readable when a new key is added.
        """
        return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"prior-auth {purpose}".encode()).derive(self._oldest)

    def seal(self, payload: bytes, *place: str) -> bytes:
        """Seal under the newest key, for this place."""
        key_id = _key_id(self._newest)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        header = _FORMAT + key_id
        return header + nonce + self._ciphers[key_id].encrypt(nonce, payload, _bound(header, place))

    def open(self, sealed: bytes, *place: str) -> bytes:
        """Open what was sealed for this place. Raises SealBroken."""
        if len(sealed) < _SHORTEST or sealed[:1] != _FORMAT:
            raise SealBroken("a stored payload is not sealed as this version seals", where="/".join(place[:1]))
        header, nonce = sealed[:_HEADER_BYTES], sealed[_HEADER_BYTES : _HEADER_BYTES + _NONCE_BYTES]
        cipher = self._ciphers.get(header[1:])
        if cipher is None:
            raise SealBroken(
                f"a stored payload was sealed under key {header[1:].hex()}, which is not in the key file",
                where="/".join(place[:1]),
                fix="use the key file that this database was made with; keep old keys in it, the newest last",
            )
        try:
            return cipher.decrypt(nonce, sealed[_HEADER_BYTES + _NONCE_BYTES :], _bound(header, place))
        except InvalidTag:
            raise SealBroken(
                "a stored payload was changed or moved since it was sealed",
                where="/".join(place[:1]),
                fix="restore the database from a backup and find out who changed it",
            ) from None


def create_key(path: Path) -> None:
    """Make a key file that only its owner can read, whole or not at all. Raises FileExistsError where there is one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".key-")  # 0600 from its first moment
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(name, path)
    finally:
        os.unlink(name)


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"prior-auth key id\x00" + key).digest()[:_KEY_ID_BYTES]


def _bound(header: bytes, place: tuple[str, ...]) -> bytes:
    """Associated data: each part with its length, so that `a, bc` is another place than `ab, c`."""
    parts = [part.encode() for part in place]
    return header + b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _refuse_open_doors(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise SettingsError("there is no key file", where=str(path), fix="make one with `create_key`") from None
    if os.name == "posix" and mode & 0o077:
        raise SettingsError("others can read the key file", where=str(path), fix=f"chmod {_ONLY_OWNER:o} {path}")


def _lines(path: Path) -> list[tuple[int, str]]:
    lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    return [(number, line.strip()) for number, line in enumerate(lines, start=1) if line.strip()]


def _key(line: str, where: str) -> bytes:
    try:
        key = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise SettingsError(f"not a key: {KEY_BYTES} bytes in base64 are expected", where=where, fix="restore the file")
    return key
