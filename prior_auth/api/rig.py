"""A payer that is a test rig: loud about it, and a pend that a request asked for is approved some seconds later."""

from __future__ import annotations

import asyncio
import logging

from fastapi import Response
from starlette.background import BackgroundTask

from prior_auth.api.payer_desk import Payer
from prior_auth.domain.authorization import Action, Authorization, AuthorizationStatus, ItemDecision
from prior_auth.domain.parties import PayerIdentity, Script
from prior_auth.errors import Conflict
from prior_auth.fhir import json, pas_request, pas_script
from prior_auth.fhir.pas_script import Word

log = logging.getLogger(__name__)

LATER = 2.0  # seconds


def warn(identity: PayerIdentity) -> None:
    if identity.script is not None:
        log.warning(
            "TEST RIG: requests ask for their decisions and get them (PRIOR_AUTH_PAYER_SCRIPTED_DECISIONS is set)"
        )


def approving_later(answer: Response, payer: Payer, authorization: Authorization | None) -> Response:
    """The answer as it is; on a test rig what it pended by script is approved once it has gone."""
    script = payer.identity.script
    if script is not None and authorization is not None and authorization.status is AuthorizationStatus.PENDED:
        answer.background = BackgroundTask(_approve, payer, script, authorization)
    return answer


async def _approve(payer: Payer, script: Script, authorization: Authorization) -> None:
    body = await payer.store.request_body(authorization.id, authorization.version)
    read = pas_request.read(json.read(body))
    open_items = [one for one in read.items if not one.cancelled]
    asked = pas_script.words(read.claim, open_items, script.by_code, version=authorization.version)
    pended = [one for one in open_items if asked.get(one.sequence) is Word.PEND]
    if not pended:
        return
    await asyncio.sleep(LATER)
    for one in pended:
        number, period = authorization.number(one.sequence), one.item.period
        word = ItemDecision(one.sequence, Action.CERTIFY, script.by, number=number, period=period)
        try:
            await payer.decide(authorization.id, authorization.version, word)
        except Conflict:  # an update came meanwhile, or a person was quicker
            log.warning("TEST RIG: a scripted approval came too late")
            return
