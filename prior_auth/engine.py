"""One engine answers everyone (house rule 11): the practice that sends, the payer that receives, the command line.

Pure over a rulebook that is read once: chart, orders, payer and day in; request, assessment and report out.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from prior_auth.cql import Budget
from prior_auth.domain.assessment import Assessment
from prior_auth.domain.coding import Coding
from prior_auth.domain.deadline import BenefitKind, Channel, Terms
from prior_auth.domain.evidence import Evidence
from prior_auth.domain.legal_clock import LegalClock, started, unknown
from prior_auth.domain.parties import PayerIdentity
from prior_auth.domain.request import AuthorizationRequest, RequestItem
from prior_auth.domain.trial import TrialMatch
from prior_auth.errors import BadInput
from prior_auth.evidence.gather import gather
from prior_auth.fhir.chart_join import Joined
from prior_auth.fhir.codes import HCPCS
from prior_auth.fhir.orders import authorization_request
from prior_auth.fhir.regimens import named_orders
from prior_auth.policy.assess import assess
from prior_auth.policy.explain import ExplainedItem, explained
from prior_auth.policy.match import match
from prior_auth.policy.model import Benefit, Payer
from prior_auth.policy.report import as_json
from prior_auth.rulebook import Rulebook


@dataclass(frozen=True, slots=True)
class Judgement:
    """`by_pas` is False where the plan takes one of the services another way (pharmacy benefit)."""

    request: AuthorizationRequest
    evidence: Evidence
    assessment: Assessment
    by_pas: bool

    @property
    def report(self) -> dict[str, Any]:
        return dict(as_json(self.assessment))


# A judgement takes a few milliseconds; a rule that takes seconds is broken, and what it was asked is then unknown.
# Steps allow for a chart of many years; time is the thread's own, so that a busy machine breaks no rule.
JUDGING = Budget(steps=2_000_000, seconds=5, clock=time.thread_time)


@dataclass(frozen=True, slots=True)
class Engine:
    rulebook: Rulebook
    budget: Budget = JUDGING

    def read_request(
        self, resources: Sequence[Mapping[str, Any]], *, as_of: date, orders: Collection[str] | None = None
    ) -> AuthorizationRequest:
        """The open orders of a chart, or those that are named, by themselves or by their RequestGroup or CarePlan.

        Raises BadInput where there is none.
        """
        orders = named_orders(resources, list(orders)) if orders is not None else None
        named = next(iter(orders)) if orders is not None and len(orders) == 1 else None
        request = authorization_request(resources, as_of=as_of, order=named, billing_units=self.rulebook.billing_units)
        if orders is None:
            return request
        wanted = tuple(item for item in request.items if item.order in orders)
        if len(wanted) < len(orders):
            raise BadInput("an order that is not in the chart or not open", where="order", fix="name an open order")
        asked = {item.order for item in wanted}
        return replace(
            request, items=wanted, regimens=tuple(one for one in request.regimens if set(one.orders) <= asked)
        )

    def judge(
        self,
        resources: Sequence[Mapping[str, Any]],
        *,
        as_of: date,
        orders: Collection[str] | None = None,
        payer: str | None = None,
        joined: Joined | None = None,
    ) -> Judgement:
        """Gather and assess; with `joined`, each fact says whose chart it is from.

        Raises BadInput for what is no chart of one patient with an order.
        """
        evidence = gather(resources, as_of=as_of, definitions=self.rulebook.definitions)
        evidence = joined.with_origins(evidence) if joined else evidence
        request = self.read_request(resources, as_of=as_of, orders=orders)
        assessment = assess(request, evidence, self.rulebook, as_of=as_of, payer=payer, budget=self.budget)
        return Judgement(request, evidence, assessment, self._by_pas(request, payer, as_of))

    def match(
        self,
        resources: Sequence[Mapping[str, Any]],
        *,
        as_of: date,
        trial: str | None = None,
        joined: Joined | None = None,
    ) -> tuple[TrialMatch, ...]:
        """A patient against a trial (NCT number, id or topic), or against every trial of the rulebook.

        The chart needs no order and no Coverage. Raises BadInput for what is no chart of one patient, and for a trial
        that the rulebook does not hold.
        """
        rules = self.rulebook.trials if trial is None else (self.rulebook.trial(trial),)
        evidence = gather(resources, as_of=as_of, definitions=self.rulebook.definitions)
        evidence = joined.with_origins(evidence) if joined else evidence
        return tuple(match(rule, evidence, as_of=as_of, budget=self.budget) for rule in rules)

    def explain(self, judgement: Judgement, payer: str | None = None) -> tuple[ExplainedItem, ...]:
        """Why a judgement came out as it did, criterion by criterion; `payer` as it was judged for."""
        as_of = judgement.assessment.as_of
        return explained(judgement.request, judgement.evidence, self.rulebook, as_of=as_of, payer=payer)

    def asked_about(self, judgement: Judgement, criteria: Collection[str]) -> tuple[str, ...]:
        """References of all that the chart says about what these criteria ask for, whatever became of it."""
        items = {
            item
            for rule in self.rulebook.rules
            for criterion in rule.policy.criteria
            if criterion.id in criteria
            for item in criterion.items
        }
        facts = judgement.evidence.facts_of(*items)
        views = {fact.view for fact in facts if fact.view}
        beside = [fact for fact in judgement.evidence.facts if fact.view in views]
        # What could not be read goes too: a reader must not take it for absent.
        unread = [one.source for one in judgement.evidence.unread if one.item in items]
        sources = [*(fact.source for fact in [*facts, *beside]), *unread]
        return tuple(dict.fromkeys(source.reference for source in sources))

    def clock(
        self,
        request: AuthorizationRequest,
        payer: str | None,
        received_at: datetime,
        channel: Channel = Channel.ELECTRONIC,
    ) -> LegalClock:
        """The legal clock of a receipt at this instant, with the rows of law that fit it. Unknown is named."""
        found = self._payer(payer, request)
        if found is None:
            return unknown(received_at, "the payer is not in the rulebook")
        plan = found.plans.get(self._plan(found, request))
        if plan is None:
            return unknown(received_at, "the plan is not among the payer's plans")
        on = received_at.astimezone(ZoneInfo(found.zone)).date()
        kinds = dict.fromkeys(self._benefit_kind(found, plan.id, item, on) for item in request.items)
        terms = Terms(
            program=plan.program,
            benefits=tuple(kinds),
            urgency=request.urgency,
            channel=channel,
            state=plan.state,
            zone=found.zone,
            rating_period=plan.rating_period,
        )
        return started(self.rulebook.deadlines, terms, received_at)

    def _benefit_kind(self, payer: Payer, plan: str, item: RequestItem, on: date) -> BenefitKind:
        """A drug by its order, its code or its policy: the clocks of drugs are the stricter ones."""
        rule = self.rulebook.rule_for(payer, item.codings, on, item.service.display)
        if rule is not None and rule.policy.benefit.get(plan) is Benefit.PHARMACY:
            return BenefitKind.PHARMACY_DRUG
        is_drug = item.order.startswith("MedicationRequest/") or (rule is not None and bool(rule.policy.ingredients))
        if is_drug or any(_is_drug_code(one) for one in item.codings):
            return BenefitKind.MEDICAL_DRUG
        return BenefitKind.SERVICE

    def identity(self, payer: str | None, request: AuthorizationRequest | None = None, *, base: str) -> PayerIdentity:
        """Who the payer is on the wire. Raises BadInput for one that is not in the rulebook."""
        found = self._payer(payer, request)
        if found is None:
            raise BadInput("the payer is not in the rulebook", where="Coverage.payor", fix="add its payer.yaml")
        return PayerIdentity(base, found.name, found.identifiers[0], receiver_code=found.sender.get("receiver"))

    def payer_and_plan(self, payer: str | None, request: AuthorizationRequest) -> tuple[str | None, str | None]:
        """Ids of both, as the request is judged by."""
        found = self._payer(payer, request)
        return (found.id, self._plan(found, request)) if found else (payer, None)

    def _payer(self, payer: str | None, request: AuthorizationRequest | None) -> Payer | None:
        if payer is not None:
            return self.rulebook.payer(payer)
        coverage = request.coverage if request else None
        return self.rulebook.payer_of(coverage.payer_identifiers) if coverage else None

    def _plan(self, payer: Payer, request: AuthorizationRequest) -> str:
        stated = request.coverage.plan if request.coverage else None
        return stated or payer.default_plan

    def _by_pas(self, request: AuthorizationRequest, payer: str | None, as_of: date) -> bool:
        found = self._payer(payer, request)
        if found is None:
            return True
        plan = self._plan(found, request)
        rules = [self.rulebook.rule_for(found, item.codings, as_of, item.service.display) for item in request.items]
        return all(rule is None or rule.policy.benefit.get(plan) is not Benefit.PHARMACY for rule in rules)


def _is_drug_code(coding: Coding) -> bool:
    """A HCPCS code of the drugs' section (J), or of the biosimilars in Q5."""
    return coding.system == HCPCS and coding.code.startswith(("J", "Q5"))
