"""Seals what goes into a workflow history: AES-256-GCM over every payload, with the side's own key."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import (
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    PayloadCodec,
)

_ENCODING = b"binary/encrypted"
_NONCE_BYTES = 12


class SealingCodec(PayloadCodec):
    """`key` is 32 bytes. Payloads that it did not seal pass through, so that histories from before it still read."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._seal(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._open(one) if one.metadata.get("encoding") == _ENCODING else one for one in payloads]

    def _seal(self, payload: Payload) -> Payload:
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, payload.SerializeToString(), _ENCODING)
        return Payload(metadata={"encoding": _ENCODING}, data=sealed)

    def _open(self, payload: Payload) -> Payload:
        nonce, sealed = payload.data[:_NONCE_BYTES], payload.data[_NONCE_BYTES:]
        opened = Payload()
        opened.ParseFromString(self._cipher.decrypt(nonce, sealed, _ENCODING))
        return opened


def converter(key: bytes | None) -> DataConverter:
    """Dataclasses and timedelta as Pydantic reads them; sealed, exception messages too, where there is a key."""
    if key is None:
        return pydantic_data_converter
    return dataclasses.replace(
        pydantic_data_converter,
        payload_codec=SealingCodec(key),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )
