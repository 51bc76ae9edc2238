"""What a payer's rule is: a service, its paths, their criteria, and what each asks of evidence.

Read from `policy.yaml` (docs/rules.md) and frozen; the names of defines lead into the `policy.cql` beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from prior_auth.domain.coding import Coding
from prior_auth.domain.deadline import MonthDay, Program


class Kind(StrEnum):
    """How an outcome counts: a met exclusion excludes, a limit not met may be reduced by a clinician."""

    CRITERION = "criterion"
    EXCLUSION = "exclusion"
    LIMIT = "limit"


class Absence(StrEnum):
    """What it means that there is no evidence. Only the payer's text makes it more than unknown (rulings 14)."""

    UNKNOWN = "unknown"
    PRESUMED_ABSENT = "presumed-absent"


class Benefit(StrEnum):
    """The route of a request: by PAS, or to the pharmacy benefit, which is not asked by PAS."""

    PAS = "pas"
    PHARMACY = "pharmacy"


@dataclass(frozen=True, slots=True)
class Duration:
    """An ISO 8601 duration of days, weeks, months or years: `P90D`."""

    text: str
    days: int = 0
    months: int = 0


@dataclass(frozen=True, slots=True)
class Dated:
    """A value that holds from a day on, with where the payer says so."""

    value: Decimal | Duration
    reference: str


DatedRows = Mapping[date, Dated]


def in_force(rows: DatedRows, on: date) -> Dated | None:
    """The row that holds on a day: the newest that has begun."""
    begun = [start for start in rows if start <= on]
    return rows[max(begun)] if begun else None


@dataclass(frozen=True, slots=True)
class ServiceCode:
    """A code the policy is asked by, and what one billing unit of it is (`10` and `mg`)."""

    coding: Coding
    unit_size: Decimal | None = None
    unit: str | None = None
    start: date | None = None
    end: date | None = None

    def holds_on(self, day: date) -> bool:
        return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)


@dataclass(frozen=True, slots=True)
class Need:
    """What is asked for while a criterion is unknown. `when` names a define: asked only where it is true."""

    item: str
    what: str
    codes: tuple[Coding, ...]
    who: str
    when: str | None = None
    window: str | None = None  # the name of a dated duration


@dataclass(frozen=True, slots=True)
class Reduction:
    """Defines that work out what would be within the limit."""

    units: str
    until: str
    why: str


@dataclass(frozen=True, slots=True)
class Criterion:
    """One question. `evidence` and `test` are defines; `applies`, where there is one, says for whom it is asked.

    `asks` completes "asked is …"; `{name}` in it stands for a dated value. `doubted_by` are the items whose unread
    records (a diagnosis not confirmed, a result not final) forbid to presume that there is none. `never` names outcomes
    that this criterion cannot have, and why. `person` is a define that says when an unknown is for a person at the
    payer to settle, by its own tables or judgement (ruling 16). `presumed` is the define whose emptiness is presumed to
    be an answer, where the evidence holds more than that. `states_absence` says whether the file does; `line` is
    where it stands.
    """

    id: str
    text: str
    source: str
    asks: str
    evidence: str
    test: str
    items: tuple[str, ...]
    needs: tuple[Need, ...]
    kind: Kind = Kind.CRITERION
    absence: Absence = Absence.UNKNOWN
    applies: str | None = None
    applies_why: str | None = None
    explain: str | None = None
    fresh: str | None = None
    document_only: bool = False
    person: str | None = None
    presumed: str | None = None
    reduction: Reduction | None = None
    doubted_by: tuple[str, ...] = ()
    never: Mapping[str, str] = field(default_factory=dict, hash=False)
    states_absence: bool = True
    line: int | None = None

    @property
    def defines(self) -> tuple[str, ...]:
        """Every define of the library that the criterion leans on."""
        named = [self.evidence, self.test, self.applies, self.explain, self.person, self.presumed]
        named += [need.when for need in self.needs]
        if self.reduction:
            named += [self.reduction.units, self.reduction.until]
        return tuple(name for name in named if name)


@dataclass(frozen=True, slots=True)
class Path:
    """An indication: its criteria are an AND. `fits` says whether the request is of this kind."""

    id: str
    title: str
    fits: str
    criteria: tuple[Criterion, ...]


@dataclass(frozen=True, slots=True)
class UnwrittenPath:
    """An indication that the payer covers and nobody has written down: a person looks."""

    id: str
    title: str
    fits: str


@dataclass(frozen=True, slots=True)
class Document:
    """A document that goes with the request."""

    code: Coding
    what: str


@dataclass(frozen=True, slots=True)
class PolicySource:
    """`certainty`: [S] seen in a public source, [L] label or code book from memory, [P] a policy choice of ours."""

    name: str
    read: date
    certainty: str

    @property
    def is_verified(self) -> bool:
        return self.certainty == "S"


@dataclass(frozen=True, slots=True)
class Trial:
    """The clinical trial whose eligibility a policy of kind `trial` restates in words of ours.

    `status` is whether it recruited when its record was read; `left_to_site` is what no chart shows and only those who
    run the trial settle (consent, contraception): it is never judged, and always told.
    """

    nct: str
    name: str
    status: str
    left_to_site: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """What is asked, by a payer of a service or by a trial of a patient; only a trial's policy has a `trial`.

    A trial's policy has no payer, services, plans, documents nor limits: nothing is authorized by it. `idle` are
    criteria that no path asks, by key and line.
    """

    id: str
    title: str
    version: str
    start: date
    end: date | None
    payer: str
    topic: str
    services: tuple[ServiceCode, ...]
    ingredients: tuple[str, ...]
    requires_pa: Mapping[str, bool]
    benefit: Mapping[str, Benefit]
    values: Mapping[str, DatedRows]
    paths: tuple[Path, ...]
    unwritten: tuple[UnwrittenPath, ...]
    documents: tuple[Document, ...]
    sources: tuple[PolicySource, ...]
    always_refer: bool = False
    file: str = ""
    idle: tuple[tuple[str, int | None], ...] = ()
    trial: Trial | None = None

    def holds_on(self, day: date) -> bool:
        return self.start <= day and (self.end is None or day <= self.end)

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """Every criterion once, as written, paths in order."""
        return tuple(dict.fromkeys(one for path in self.paths for one in path.criteria))

    def __hash__(self) -> int:
        return hash((self.id, self.version, self.payer))


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan of a payer. Its program, state and rating period say whose law's clocks bind it (docs/deadlines.md)."""

    id: str
    name: str
    program: Program
    state: str | None = None
    rating_period: MonthDay | None = None


@dataclass(frozen=True, slots=True)
class Payer:
    """A payer of the rulebook. `drugs` leads from a code of its drug table (an NDC) to ingredient and strength;
    `zone` (an IANA name) is where its calendar days are counted; `without_authorization` are ingredients that it pays
    for unasked, where no policy of it speaks of them."""

    id: str
    name: str
    identifiers: tuple[tuple[str, str], ...]
    zone: str
    default_plan: str
    plans: Mapping[str, Plan]
    endpoint: str
    transport: str
    sender: Mapping[str, str]
    place_of_service: str
    drugs: Mapping[tuple[str, str], tuple[str, str]]
    without_authorization: frozenset[str] = frozenset()
    file: str = ""
