"""Where a practice stands with a payer, folded from messages that may cross, be refused or come by inquiry."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from prior_auth.domain.authorization import Action, ItemDecision, RequestedInformation
from prior_auth.domain.people import ENGINE
from prior_auth.domain.timeline import Message
from prior_auth.fhir import json, pas_exchange, pas_inquiry, pas_request, pas_response
from prior_auth.fhir.pas_exchange import INQUIRED, NOTIFICATION, REQUEST, RESPONSE, Standing

Json = dict[str, Any]
AT = datetime(2026, 6, 1, 10, 5, tzinfo=UTC)
CERTIFIED = ItemDecision(1, Action.CERTIFY, ENGINE, number="AUTH-1")
ASKED = RequestedInformation("89247-1", "ECOG", "R09.C5")
PENDED = ItemDecision(1, Action.PEND, ENGINE, requested=(ASKED,))


class Book:
    """The messages of a case as they were kept."""

    def __init__(self, payer: Any) -> None:
        self.payer = payer
        self.kept: list[tuple[Message, bytes]] = []

    def keep(self, kind: str, version: int, resource: Json) -> None:
        direction = "sent" if kind == REQUEST else "received"
        name = f"m{len(self.kept)}"
        self.kept.append((Message(name, "case", direction, kind, version, "", AT), json.write(resource)))

    def answer(self, sent: Json, decision: ItemDecision, minutes: int = 0) -> Json:
        stamp = pas_response.Stamp("auth-1", 1, AT + timedelta(minutes=minutes), number="REF-1")
        return pas_response.build(sent, pas_request.read(sent), [decision], payer=self.payer, stamp=stamp)

    def inquired(self, sent: Json, decision: ItemDecision, minutes: int) -> Json:
        stamp = pas_response.Stamp("auth-1", 1, AT + timedelta(minutes=minutes), number="REF-1")
        read = pas_request.read(sent)
        return pas_inquiry.answer(
            [pas_response.inquired(sent, read, [decision], payer=self.payer, stamp=stamp)], inquiry="i"
        )

    @property
    def standing(self) -> Standing:
        return pas_exchange.standing(self.kept)


@pytest.fixture
def book(world: Any) -> Book:
    return Book(world.payer)


@pytest.fixture
def cancelled(world: Any, bundle: Json) -> Json:
    stamp = replace(world.stamp, submission="case-1-v2", trace="case-1-2")
    return json.read(json.write(pas_request.cancel(bundle, stamp=stamp)))


def test_an_inquiry_brings_a_final_word_that_was_never_told(book: Book, bundle: Json) -> None:
    book.keep(REQUEST, 1, bundle)
    book.keep(RESPONSE, 1, book.answer(bundle, PENDED))
    book.keep(INQUIRED, 1, book.inquired(bundle, CERTIFIED, minutes=9))
    standing = book.standing
    assert (standing.final, standing.information_requested, standing.answer_message) == (True, False, "m2")


def test_a_pended_inquiry_answer_does_not_hide_what_was_asked_for(book: Book, bundle: Json) -> None:
    book.keep(REQUEST, 1, bundle)
    book.keep(RESPONSE, 1, book.answer(bundle, PENDED))
    book.keep(INQUIRED, 1, book.inquired(bundle, PENDED, minutes=9))
    standing = book.standing
    assert standing.answer is not None
    assert (standing.information_requested, standing.answer_message) == (True, "m1")
    assert [one.code.code for one in standing.answer.requested] == ["89247-1"]


def test_an_inquiry_answer_about_another_request_says_nothing(book: Book, world: Any, bundle: Json) -> None:
    other = world.changed(stamp=replace(world.stamp, submission="other", trace="other")).build().bundle
    book.keep(REQUEST, 1, bundle)
    book.keep(RESPONSE, 1, book.answer(bundle, PENDED))
    book.keep(INQUIRED, 1, book.inquired(other, CERTIFIED, minutes=9))
    assert not book.standing.final


def test_what_a_practice_cancelled_is_cancelled_whatever_the_payer_calls_it(
    book: Book, bundle: Json, cancelled: Json
) -> None:
    book.keep(REQUEST, 1, bundle)
    book.keep(RESPONSE, 1, book.answer(bundle, CERTIFIED))
    book.keep(REQUEST, 2, cancelled)
    assert book.standing.answer is not None
    assert book.standing.answer.overall.value == "certified"  # not acknowledged yet
    answer = book.answer(cancelled, ItemDecision(1, Action.CANCEL, ENGINE), minutes=1)
    assert "adjudication" in answer["entry"][0]["resource"]["item"][0]
    book.keep(RESPONSE, 2, answer)
    assert book.standing.answer.overall.value == "cancelled"
    assert (book.standing.final, book.standing.claim) == (True, 2)


def test_a_notice_of_the_version_before_does_not_acknowledge_the_one_under_way(
    book: Book, bundle: Json, cancelled: Json
) -> None:
    book.keep(REQUEST, 1, bundle)
    book.keep(RESPONSE, 1, book.answer(bundle, PENDED))
    book.keep(REQUEST, 2, cancelled)
    book.keep(NOTIFICATION, 2, book.answer(bundle, CERTIFIED, minutes=1))
    assert (book.standing.version, book.standing.claim, book.standing.final) == (1, 1, True)


def test_a_refused_update_leaves_the_word_before_it(book: Book, bundle: Json, cancelled: Json) -> None:
    book.keep(REQUEST, 1, bundle)
    book.keep(RESPONSE, 1, book.answer(bundle, CERTIFIED))
    book.keep(REQUEST, 2, cancelled)
    wrong = pas_response.Rejection(None, None, "a denied request cannot be updated")
    stamp = pas_response.Stamp("refused", 0, AT + timedelta(minutes=1))
    read = pas_request.read(cancelled)
    book.keep(RESPONSE, 2, pas_response.rejected(cancelled, read, [wrong], payer=book.payer, stamp=stamp))
    standing = book.standing
    assert standing.answer is not None
    assert standing.answer.overall.value == "certified"
    assert (standing.refused, standing.claim, standing.version) == ("m3", 1, 2)
