"""The payer's answer to `Claim/$inquire`: which authorizations are meant, and the word that stands on each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from prior_auth import clocks
from prior_auth.api.auth import ANYBODY, Caller
from prior_auth.api.payer_desk import Payer
from prior_auth.domain.authorization import Authorization, AuthorizationStatus
from prior_auth.domain.people import ENGINE
from prior_auth.fhir import json, pas_201, pas_inquiry, pas_match, pas_people, pas_request, pas_response
from prior_auth.fhir.pas_inquiry import Inquiry
from prior_auth.fhir.pas_match import Known
from prior_auth.fhir.pas_request import ReadRequest
from prior_auth.ports import AuthorizationStore

_IN_FORCE = (AuthorizationStatus.CERTIFIED, AuthorizationStatus.MODIFIED, AuthorizationStatus.PARTIAL)
_LONGEST_CHAIN = 50  # replacements of replacements


async def inquire(payer: Payer, body: bytes, caller: Caller = ANYBODY) -> dict[str, Any]:
    """Every authorization that matches and that the inquirer may see, each by its current answer; perhaps none.

    Raises BadInput on what cannot be processed: a 4xx with one OperationOutcome.
    """
    bundle = json.read(body)
    inquiry = pas_inquiry.read(bundle)
    people = inquiry.people
    caller.must_be_one_of(people.senders | people.organizations, where="Claim.provider")
    own = replace(people, senders=caller.own(people.senders), organizations=caller.own(people.organizations))
    inquiry = replace(inquiry, people=own)
    name = json.content_hash(bundle)
    answers = []
    for found in await _found(payer, inquiry):
        now = payer.clock.now()
        by = "submitter" if found.known.people.same_submitter(inquiry.people) else "another"
        key = f"{found.authorization.id}/inquired/{name}/{now.date()}"
        await payer.store.note(found.authorization.id, "inquired", by=ENGINE, at=now, facts={"from": by}, key=key)
        stamp = pas_response.Stamp(
            found.authorization.id,
            found.authorization.revision,
            now,
            found.authorization.reference,
            await clocks.extension(payer.store, found.authorization),
        )
        answers.append(
            pas_response.inquired(
                found.bundle, found.known.request, found.known.decisions, payer=payer.identity, stamp=stamp
            )
        )
    answer = pas_inquiry.answer(answers, inquiry=name)
    if payer.identity.pas == pas_201.VERSION:
        return pas_201.inquiry_answer(answer, at=payer.clock.now().isoformat(timespec="seconds"))
    return answer


@dataclass(frozen=True, slots=True)
class _Found:
    authorization: Authorization
    bundle: Mapping[str, Any]
    known: Known


async def _found(payer: Payer, inquiry: Inquiry) -> list[_Found]:
    """The current one for each match, once; what is past its retention is no longer answered for."""
    current: dict[str, _Found] = {}
    for authorization in await payer.store.of_members(inquiry.people.members):
        old = await _known(payer.store, authorization)
        if not pas_match.matches(inquiry, old.known):
            continue
        newest = await _newest(payer.store, authorization)
        found = old if newest.id == authorization.id else await _known(payer.store, newest)
        if found.known.people.may_read(inquiry.people) and not _past(payer, found):
            current[newest.id] = found
    return list(current.values())


async def _known(store: AuthorizationStore, authorization: Authorization) -> _Found:
    bundle = json.read(await store.request_body(authorization.id, authorization.version))
    request = pas_request.read(bundle)
    decisions = tuple(await store.decisions(authorization.id))
    known = Known(
        request=request,
        people=pas_people.people_of(bundle),
        decisions=decisions,
        numbers=await _numbers(store, authorization, request),
        decided_on=authorization.changed_at.date() if decisions else None,
    )
    return _Found(authorization, bundle, known)


async def _numbers(store: AuthorizationStore, authorization: Authorization, request: ReadRequest) -> frozenset[str]:
    """Its own, those it names, and those of every version: a replaced number finds what replaced it (spec-47)."""
    said: set[str] = set()
    for version in range(1, authorization.version + 1):
        said |= {one.number for one in await store.decisions(authorization.id, version) if one.number}
    own = {authorization.reference, *(authorization.number(one.sequence) for one in request.items)}
    return frozenset(said | own | pas_match.stated_numbers(request))


async def _newest(store: AuthorizationStore, authorization: Authorization) -> Authorization:
    """The last of those that replaced it, one after the other (spec-48)."""
    for _ in range(_LONGEST_CHAIN):
        successor = await store.document(authorization.id, "replaced-by")
        if successor is None:
            return authorization
        following = await store.get(successor["authorization"])
        if following.status not in _IN_FORCE:
            return authorization  # what is in force is still the one before
        authorization = following
    return authorization


def _past(payer: Payer, found: _Found) -> bool:
    """Six months after the planned end of service at the earliest (spec-73, the `retention` setting)."""
    end = pas_match.last_day(found.known.request, found.known.decisions) or found.authorization.changed_at.date()
    return end + payer.retention < payer.clock.now().date()


async def list_unlisted(store: AuthorizationStore) -> None:
    """Let members lead to authorizations that were kept before there were inquiries: at each start, what is left."""
    for authorization in await store.unlisted():
        bundle = json.read(await store.request_body(authorization.id, authorization.version))
        await store.list_members(authorization.id, pas_people.people_of(bundle).members)
