"""Subscriptions at the payer's door: create, update, delete, `$status`, and `$events` for a subscriber with a gap."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request, Response

from prior_auth.api import older
from prior_auth.api.auth import caller
from prior_auth.api.bodies import fhir_body
from prior_auth.api.payer_desk import Payer
from prior_auth.api.problems import fhir_answer
from prior_auth.errors import BadInput, NotFound
from prior_auth.fhir import json, subscription
from prior_auth.fhir.subscription import Content, Event, ReadSubscription, Sender
from prior_auth.ports import AuthorizationStore, Notification, Subscriber

_MOST_EVENTS = 1000  # of one answer to `$events`; the rest is asked for by a second query


def add_doors(app: FastAPI, payer: Payer) -> None:
    @app.post("/fhir/Subscription")
    async def create(request: Request) -> Response:
        resource = json.read(await fhir_body(request))
        wanted = _own(request, resource)
        kept = await payer.store.subscribe(resource=resource, **_wanted(wanted))
        await _remember_version(payer, kept, request)
        if kept.status != "active":
            await _shake_hands(payer, kept)
        answer = fhir_answer(subscription.accepted(resource, subscription_id=kept.id, status=kept.status), 201)
        answer.headers["Location"] = f"{older.spoken(payer, request).identity.base}/Subscription/{kept.id}"
        return answer

    @app.get("/fhir/Subscription/{subscription_id}")
    async def read(subscription_id: str, request: Request) -> Response:
        return fhir_answer(await _shown(payer, await _existing(payer, subscription_id, request)))

    @app.put("/fhir/Subscription/{subscription_id}")
    async def update(subscription_id: str, request: Request) -> Response:
        """What its owner now wants; the way to be heard again after an error. It is shaken hands on anew."""
        resource = json.read(await fhir_body(request))
        if resource.get("id", subscription_id) != subscription_id:
            raise BadInput("another id than the address has", where="Subscription.id", fix="send the id of the address")
        await _existing(payer, subscription_id, request)
        wanted = _own(request, resource)
        status = "off" if wanted.off else "requested"
        kept = await payer.store.resubscribe(subscription_id, resource=resource, status=status, **_wanted(wanted))
        await _remember_version(payer, kept, request)
        if not wanted.off:
            await _shake_hands(payer, kept)
        return fhir_answer(await _shown(payer, kept))

    @app.delete("/fhir/Subscription/{subscription_id}", status_code=204)
    async def delete(subscription_id: str, request: Request) -> Response:
        """It is silent from now on; what was sent through it stays on record. Once more changes nothing."""
        await _owned(payer, subscription_id, request)
        await payer.store.set_subscription(subscription_id, "off")
        return Response(status_code=204)

    @app.get("/fhir/Subscription/{subscription_id}/$status")
    async def status(subscription_id: str, request: Request) -> Response:
        kept = await _owned(payer, subscription_id, request)
        return fhir_answer(subscription.status_of(_sender(payer, kept), total=kept.events, at=payer.clock.now()))

    @app.get("/fhir/Subscription/{subscription_id}/$events")
    async def events(request: Request, subscription_id: str) -> Response:
        kept = await _owned(payer, subscription_id, request)
        since = _number(request, "eventsSinceNumber", 1)
        until = min(_number(request, "eventsUntilNumber", kept.events), since + _MOST_EVENTS - 1)
        found = await payer.store.events(kept.id, since=since, until=until)
        told = [event for one in found for event in await _told(payer.store, one)]
        answer = subscription.events_of(_sender(payer, kept), told, total=kept.events, at=payer.clock.now())
        return fhir_answer(answer)


async def _remember_version(payer: Payer, kept: Subscriber, request: Request) -> None:
    """Events are told in the version of the base at which they were asked for."""
    version = older.spoken(payer, request).identity.pas
    await payer.store.set_setting(subscription.version_setting(kept.id), version)


def _wanted(wanted: ReadSubscription) -> dict[str, Any]:
    return {
        "sender": ",".join(wanted.senders),
        "endpoint": wanted.endpoint,
        "headers": wanted.headers,
        "heartbeat": wanted.heartbeat,
    }


async def _shake_hands(payer: Payer, kept: Subscriber) -> None:
    handshake = await payer.store.handshake(kept.id)
    await payer.stories.deliver(handshake.id, anew=True)


def _own(request: Request, resource: dict[str, Any]) -> ReadSubscription:
    """Only the sending system itself subscribes to its answers (spec-59)."""
    contents = tuple(Content) if older.is_older(request) else (Content.FULL,)
    wanted = subscription.read_subscription(resource, contents=contents)
    caller(request).must_be_all(wanted.senders, where="Subscription.criteria")
    return wanted


async def _owned(payer: Payer, subscription_id: str, request: Request) -> Subscriber:
    kept = await payer.store.subscriber(subscription_id)
    caller(request).must_be_all(kept.sender.split(","), where="Subscription")
    return kept


async def _existing(payer: Payer, subscription_id: str, request: Request) -> Subscriber:
    kept = await _owned(payer, subscription_id, request)
    if kept.status == "off":
        raise NotFound("this subscription was ended", where=subscription_id, fix="POST a new one")
    return kept


async def _shown(payer: Payer, kept: Subscriber) -> dict[str, Any]:
    resource = dict(await payer.store.subscription_resource(kept.id))
    return subscription.accepted(resource, subscription_id=kept.id, status=kept.status)


async def _told(store: AuthorizationStore, kept: Notification) -> tuple[Event, ...]:
    """The event as it stands in the bytes that were sent, or are on their way."""
    assert kept.body_message is not None
    return subscription.read_notification(json.read(await store.message_body(kept.body_message))).events


def _sender(payer: Payer, kept: Subscriber) -> Sender:
    return Sender(payer.identity.base, kept.id, kept.status)


def _number(request: Request, name: str, otherwise: int) -> int:
    stated = request.query_params.get(name)
    if stated is None:
        return otherwise
    if not (stated.isascii() and stated.isdigit() and len(stated) < 10):
        raise BadInput("not an event number", where=name, fix="give a whole number")
    return int(stated)
