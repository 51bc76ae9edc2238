"""The shape of `policy.yaml` and `payer.yaml`, checked key by key, and what it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from prior_auth.domain.coding import Coding
from prior_auth.domain.deadline import MonthDay, Program
from prior_auth.errors import RuleError
from prior_auth.evidence.definitions import EvidenceDefinitions
from prior_auth.evidence.normalise.drug_table import INGREDIENTS
from prior_auth.policy import model
from prior_auth.policy.dates import duration
from prior_auth.policy.yaml_lines import line_of, read_yaml

SYSTEMS: Mapping[str, str] = {
    "hcpcs": "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
    "cpt": "http://www.ama-assn.org/go/cpt",
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "ndc": "http://hl7.org/fhir/sid/ndc",
    "loinc": "http://loinc.org",
    "snomed": "http://snomed.info/sct",
    "hgnc": "http://www.genenames.org",
    "icd10cm": "http://hl7.org/fhir/sid/icd-10-cm",
}


def _dated_value(value: Any) -> Any:
    if isinstance(value, str):
        return duration(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Decimal(str(value))
    return value


Who = Literal["practice", "laboratory", "pathology", "imaging", "patient", "payer"]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class _Code(_File):
    system: str
    code: str
    display: str | None = None

    def coding(self) -> Coding:
        return Coding(SYSTEMS.get(self.system, self.system), self.code, self.display)


class _Service(_Code):
    unit: str | None = None
    start: date | None = None
    end: date | None = None


class _Services(_File):
    codes: list[_Service]
    ingredients: list[str] = []


class _Effective(_File):
    start: date
    end: date | None = None


class _Source(_File):
    name: str
    read: date
    certainty: Literal["S", "L", "P"]


class _Row(_File):
    value: Annotated[Decimal | model.Duration, BeforeValidator(_dated_value)]
    reference: str


class _Need(_File):
    item: str
    when: str | None = None
    window: str | None = None
    what: str | None = None
    codes: list[_Code] | None = None
    who: Who | None = None


class _Reduction(_File):
    units: str
    until: str
    why: str


class _Criterion(_File):
    id: str
    text: str
    source: str
    asks: str
    evidence: str
    test: str
    items: list[str]
    needs: list[_Need] = []
    kind: model.Kind = model.Kind.CRITERION
    absence: model.Absence = model.Absence.UNKNOWN
    proof: Literal["strict"] | None = None
    applies: str | None = None
    applies_why: str | None = None
    explain: str | None = None
    fresh: str | None = None
    document_only: bool = False
    person: str | None = None
    presumed: str | None = None
    reduction: _Reduction | None = None
    doubted_by: list[str] | None = None
    never: dict[str, str] = {}


class _Path(_File):
    id: str
    title: str
    fits: str
    criteria: list[str]


class _Unwritten(_File):
    id: str
    title: str
    fits: str


class _Document(_Code):
    what: str


class _Rules(_File):
    """What a payer's policy and a trial's have in common."""

    id: str
    title: str
    version: str
    effective: _Effective
    sources: list[_Source]
    values: dict[str, dict[date, _Row]] = {}
    criteria: dict[str, _Criterion]
    paths: list[_Path]


class _Policy(_Rules):
    service: _Services
    requires_pa: dict[str, bool]
    benefit: dict[str, model.Benefit]
    unwritten: list[_Unwritten] = []
    documents: list[_Document] = []
    always_refer: bool = False


class _Trial(_Rules):
    kind: Literal["trial"]
    nct: Annotated[str, Field(pattern=r"^NCT\d{8}$")]
    name: str
    status: str
    left_to_site: list[str]


class _Identifier(_File):
    system: str
    value: str


def _month_day(value: Any) -> Any:
    try:
        found = date.fromisoformat(f"2001-{value}")
    except ValueError:
        raise ValueError("write a day of every year as `07-01`") from None
    return MonthDay(found.month, found.day)


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError("no time zone; write an IANA name such as `America/Chicago`") from None
    return value


class _Plan(_File):
    name: str
    program: Program
    state: Annotated[str, Field(pattern="^[A-Z]{2}$")] | None = None
    rating_period: Annotated[MonthDay, BeforeValidator(_month_day)] | None = None


class _Drug(_File):
    system: str
    code: str
    ingredient: str
    strength: str


class _Payer(_File):
    id: str
    name: str
    identifiers: list[_Identifier]
    zone: Annotated[str, AfterValidator(_zone)]
    default_plan: str
    plans: dict[str, _Plan]
    transport: str
    endpoint: str
    sender: dict[str, str]
    place_of_service: str
    drugs: list[_Drug] = []
    without_authorization: list[str] = []


Shape = TypeVar("Shape", bound=BaseModel)


def read_shape(shape: type[Shape], text: str, file: str) -> tuple[Shape, Any]:
    """A rule file as its shape, and its content with lines. RuleError with `file:line`."""
    content = read_yaml(text, file=file)
    try:
        return shape.model_validate(content), content
    except ValidationError as problems:
        first = problems.errors()[0]
        path = [step for step in first["loc"] if not (isinstance(step, str) and step.startswith("function-"))]
        line = line_of(content, path)
        where = f"{file}:{line}" if line else file
        raise RuleError(f"{'.'.join(map(str, path))}: {first['msg']}", where=where, fix="see docs/rules.md") from None


def read_payer(text: str, *, file: str) -> model.Payer:
    """A `payer.yaml`. RuleError with `file:line`."""
    payer, content = read_shape(_Payer, text, file)
    if payer.default_plan not in payer.plans:
        line = line_of(content, ["default_plan"])
        raise RuleError(f"no plan {payer.default_plan}", where=f"{file}:{line}", fix="name one of `plans`")
    for drug in payer.without_authorization:
        if drug not in INGREDIENTS:
            line = line_of(content, ["without_authorization"])
            raise RuleError(f"no ingredient {drug}", where=f"{file}:{line}", fix="see the table of ingredients")
    return model.Payer(
        id=payer.id,
        name=payer.name,
        identifiers=tuple((one.system, one.value) for one in payer.identifiers),
        zone=payer.zone,
        default_plan=payer.default_plan,
        plans={
            id: model.Plan(id, plan.name, plan.program, plan.state, plan.rating_period)
            for id, plan in payer.plans.items()
        },
        endpoint=payer.endpoint,
        transport=payer.transport,
        sender=payer.sender,
        place_of_service=payer.place_of_service,
        drugs={(one.system, one.code): (one.ingredient, one.strength) for one in payer.drugs},
        without_authorization=frozenset(payer.without_authorization),
        file=file,
    )


def read_policy(
    text: str, *, file: str, payer: model.Payer, topic: str, definitions: EvidenceDefinitions
) -> model.Policy:
    """A `policy.yaml`; what its needs leave unsaid comes from the evidence definitions. RuleError with `file:line`."""
    policy, content = read_shape(_Policy, text, file)
    build = _Builder(content, file, definitions, policy)
    build.check_plans(payer, policy)
    return replace(
        build.rules(topic),
        payer=payer.id,
        services=tuple(build.service(index, one) for index, one in enumerate(policy.service.codes)),
        ingredients=tuple(policy.service.ingredients),
        requires_pa=policy.requires_pa,
        benefit=policy.benefit,
        unwritten=tuple(model.UnwrittenPath(one.id, one.title, one.fits) for one in policy.unwritten),
        documents=tuple(model.Document(one.coding(), one.what) for one in policy.documents),
        always_refer=policy.always_refer,
    )


def read_trial(text: str, *, file: str, topic: str, definitions: EvidenceDefinitions) -> model.Policy:
    """A `policy.yaml` of kind `trial`. RuleError with `file:line`."""
    told, content = read_shape(_Trial, text, file)
    build = _Builder(content, file, definitions, told)
    build.check_no_limits()
    trial = model.Trial(told.nct, told.name, told.status, tuple(told.left_to_site))
    return replace(build.rules(topic), trial=trial)


class _Builder:
    """Turns the parts of one file into the model, with the line where one does not fit."""

    def __init__(self, content: Any, file: str, definitions: EvidenceDefinitions, policy: _Rules) -> None:
        self.content, self.file, self.definitions, self.policy = content, file, definitions, policy

    def rules(self, topic: str) -> model.Policy:
        """What a payer's policy and a trial's have in common, of no payer and for no service."""
        policy = self.policy
        criteria = {key: self.criterion(key, one) for key, one in policy.criteria.items()}
        asked = {key for path in policy.paths for key in path.criteria}
        return model.Policy(
            id=policy.id,
            title=policy.title,
            version=policy.version,
            start=policy.effective.start,
            end=policy.effective.end,
            payer="",
            topic=topic,
            services=(),
            ingredients=(),
            requires_pa={},
            benefit={},
            values={
                name: {day: model.Dated(row.value, row.reference) for day, row in rows.items()}
                for name, rows in policy.values.items()
            },
            paths=tuple(self.path(index, one, criteria) for index, one in enumerate(policy.paths)),
            unwritten=(),
            documents=(),
            sources=tuple(model.PolicySource(one.name, one.read, one.certainty) for one in policy.sources),
            idle=tuple((key, line_of(self.content, ["criteria", key])) for key in criteria if key not in asked),
            file=self.file,
        )

    def wrong(self, message: str, *path: str | int, fix: str | None = None) -> RuleError:
        line = line_of(self.content, path)
        return RuleError(message, where=f"{self.file}:{line}" if line else self.file, fix=fix)

    def check_no_limits(self) -> None:
        for key, one in self.policy.criteria.items():
            if one.kind is model.Kind.LIMIT:
                fix = "write it as a criterion or an exclusion"
                raise self.wrong("a trial limits nothing that could be reduced", "criteria", key, "kind", fix=fix)

    def check_plans(self, payer: model.Payer, policy: _Policy) -> None:
        for key in ("requires_pa", "benefit"):
            stated = set(getattr(policy, key))
            if stated != set(payer.plans):
                raise self.wrong(f"{key} must name every plan of {payer.id}", key, fix=", ".join(payer.plans))

    def service(self, index: int, one: _Service) -> model.ServiceCode:
        size, _, unit = (one.unit or "").partition(" ")
        try:
            number = Decimal(size) if size else None
        except ArithmeticError:
            raise self.wrong(f"no unit: {one.unit}", "service", "codes", index, "unit", fix="write `10 mg`") from None
        return model.ServiceCode(one.coding(), number, unit or None, one.start, one.end)

    def criterion(self, key: str, one: _Criterion) -> model.Criterion:
        for name in (one.fresh, *(need.window for need in one.needs)):
            if name is not None and name not in self.policy.values:
                raise self.wrong(
                    f"no dated value {name}", "criteria", key, fix=f"known: {', '.join(self.policy.values)}"
                )
        if one.reduction and one.kind is not model.Kind.LIMIT:
            raise self.wrong("only a limit can be reduced", "criteria", key, "reduction", fix="add `kind: limit`")
        if not one.needs and "unknown" not in one.never:
            raise self.wrong(
                "nothing says what to ask for while it is unknown",
                "criteria",
                key,
                fix="add `needs`, or `never: {unknown: …}`",
            )
        if one.presumed and one.absence is not model.Absence.PRESUMED_ABSENT:
            fix = "add `absence: presumed-absent`"
            raise self.wrong("nothing of this criterion is presumed", "criteria", key, "presumed", fix=fix)
        reduction = one.reduction
        return model.Criterion(
            id=one.id,
            text=one.text,
            source=one.source,
            asks=one.asks,
            evidence=one.evidence,
            test=one.test,
            items=tuple(one.items),
            needs=tuple(self.need(key, index, need) for index, need in enumerate(one.needs)),
            kind=one.kind,
            absence=one.absence,
            applies=one.applies,
            applies_why=one.applies_why,
            explain=one.explain,
            fresh=one.fresh,
            document_only=one.document_only,
            person=one.person,
            reduction=model.Reduction(reduction.units, reduction.until, reduction.why) if reduction else None,
            presumed=one.presumed,
            doubted_by=tuple(one.items if one.doubted_by is None else one.doubted_by),
            never=one.never,
            states_absence="absence" in one.model_fields_set,
            line=line_of(self.content, ["criteria", key, "id"]),
        )

    def need(self, key: str, index: int, need: _Need) -> model.Need:
        known = self.definitions.items.get(need.item)
        if known is None and (need.what is None or need.codes is None or need.who is None):
            raise self.wrong(
                f"no evidence item {need.item}",
                "criteria",
                key,
                "needs",
                index,
                "item",
                fix="say `what`, `codes` and `who`",
            )
        codes = tuple(code.coding() for code in need.codes) if need.codes is not None else ()
        if need.codes is None and known:
            codes = known.ask or ((known.code,) if known.code else ())
        return model.Need(
            item=need.item,
            what=need.what or (known.question if known else ""),
            codes=codes,
            who=need.who or (known.who if known else ""),
            when=need.when,
            window=need.window,
        )

    def path(self, index: int, one: _Path, criteria: Mapping[str, model.Criterion]) -> model.Path:
        for key in one.criteria:
            if key not in criteria:
                raise self.wrong(f"no criterion {key}", "paths", index, "criteria", fix=f"known: {', '.join(criteria)}")
        return model.Path(one.id, one.title, one.fits, tuple(criteria[key] for key in one.criteria))
