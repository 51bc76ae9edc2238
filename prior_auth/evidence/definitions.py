"""What can be asked of a chart: one definition for each evidence item, from `rules/evidence/<item>.yaml`.

A file says what the item asks, who can supply it, and how to find it: by resource type and code (or profile), by the
text of the code, in which documents. FHIRPath expressions are rooted at the resource. The syntax is in
`docs/evidence.md`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prior_auth import paths
from prior_auth.domain.coding import Coding
from prior_auth.domain.evidence import Tier
from prior_auth.errors import RuleError
from prior_auth.evidence.normalise import NORMALISERS
from prior_auth.evidence.normalise.codes import system_of
from prior_auth.paths import Evaluator, PathError

MCODE = "http://hl7.org/fhir/us/mcode/StructureDefinition/"
SUPPLIERS = frozenset({"practice", "laboratory", "pathology", "imaging", "patient", "payer"})


@dataclass(frozen=True, slots=True)
class Value:
    """Where in the resource the value lies; `tier`, where what is read there is less sure than how it was found."""

    read: Evaluator
    tier: Tier | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """One way of finding: by codes, by profile or by the text of the code.

    What it finds by code no other item looks for by text, unless it `shares`.
    """

    resource: str
    tier: Tier
    codes: tuple[tuple[str, str], ...] = ()  # (system, code); `C50*` is a prefix
    profiles: tuple[str, ...] = ()
    text: re.Pattern[str] | None = None
    unless: re.Pattern[str] | None = None
    where: Evaluator | None = None
    values: tuple[Value, ...] = ()
    shares: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """Documents in whose prose the fact may stand: their kinds, and the words that show that it does."""

    kinds: tuple[str, ...]
    mentions: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """How documents of one kind are told: type codes of DocumentReference and DiagnosticReport, or their title."""

    name: str
    codes: tuple[tuple[str, str], ...]
    text: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class Part:
    """An item that is a part of others: those of their facts whose value, drug class or view resource fits."""

    of: tuple[str, ...]
    values: re.Pattern[str] | None
    drugs: frozenset[str]  # classes of the ingredient table
    where: Evaluator | None  # rooted at the resource of the view


@dataclass(frozen=True, slots=True)
class EvidenceDefinition:
    """One item. `code` is the canonical code of its view resource, `ask` the codes that a data requirement names.

    `view` names how its resource of the view is made; `varies` marks what changes from day to day, so that an undated
    value contradicts nothing; `single` what can have one value a day, so that two contradict each other.
    """

    item: str
    id: str
    question: str
    who: str
    view: str
    read: str | None
    code: Coding | None
    profile: str | None
    ask: tuple[Coding, ...]
    searches: tuple[Search, ...]
    document: Document | None
    part: Part | None
    single: bool
    varies: bool
    file: str


@dataclass(frozen=True, slots=True)
class EvidenceDefinitions:
    """All items, in the order of their files, and the kinds of document."""

    items: Mapping[str, EvidenceDefinition]
    documents: Mapping[str, DocumentKind]

    def __getitem__(self, item: str) -> EvidenceDefinition:
        return self.items[item]

    def __contains__(self, item: str) -> bool:
        return item in self.items

    def __iter__(self) -> Iterator[EvidenceDefinition]:
        return iter(self.items.values())

    @classmethod
    def parse(cls, files: Mapping[str, Any]) -> EvidenceDefinitions:
        """From parsed YAML by file name. Raises RuleError (`where` is the file and the key in it)."""
        documents: dict[str, DocumentKind] = {}
        items: dict[str, EvidenceDefinition] = {}
        for file, content in sorted(files.items()):
            section = _Section(content, file)
            for each in section.sections("documents"):
                kind = _document_kind(each)
                documents[kind.name] = kind
            for each in section.sections("items") if "items" in section.content else [section]:
                if "item" in each.content:
                    definition = _definition(each, file)
                    if definition.item in items:
                        raise each.wrong(f"the item {definition.item} is defined twice", "item")
                    items[definition.item] = definition
        for definition in items.values():
            unknown = set(definition.document.kinds if definition.document else ()) - set(documents)
            if unknown:
                raise RuleError(f"no document kind {min(unknown)}", where=f"{definition.file}: document.kinds")
            strange = set(definition.part.of if definition.part else ()) - set(items)
            if strange:
                raise RuleError(f"no item {min(strange)} to be a part of", where=f"{definition.file}: part.of")
        return cls(items, documents)


class _Section:
    """A part of a file that knows where it stands, and refuses what it does not know."""

    def __init__(self, content: Any, where: str) -> None:
        self.where = where
        if not isinstance(content, Mapping):
            raise RuleError("expected keys and values", where=where)
        self.content = content

    def wrong(self, message: str, key: str | None = None, fix: str | None = None) -> RuleError:
        line = getattr(self.content, "lines", {}).get(key)  # a line-aware loader may say
        place = f"{self.where.partition(': ')[0]}:{line}" if line else f"{self.where}{f': {key}' if key else ''}"
        return RuleError(message, where=place, fix=fix)

    def only(self, *known: str) -> None:
        unknown = [key for key in self.content if key not in known]
        if unknown:
            raise self.wrong(f"unknown key {unknown[0]}", str(unknown[0]), fix=f"known are {', '.join(known)}")

    def text(self, key: str, default: str | None = None) -> str:
        value = self.content.get(key, default)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(f"{key} is missing or no text", key)
        return value.strip()

    def maybe(self, key: str) -> str | None:
        return self.text(key) if self.content.get(key) is not None else None

    def flag(self, key: str) -> bool:
        value = self.content.get(key, False)
        if not isinstance(value, bool):
            raise self.wrong(f"{key} is true or false", key)
        return value

    def each(self, key: str) -> Sequence[Any]:
        value = self.content.get(key, [])
        return value if isinstance(value, list) else [value]

    def sections(self, key: str) -> list[_Section]:
        return [_Section(each, f"{self.where}: {key}[{n}]") for n, each in enumerate(self.each(key))]

    def pattern(self, key: str) -> re.Pattern[str] | None:
        text = self.maybe(key)
        try:
            return re.compile(text, re.IGNORECASE) if text is not None else None
        except re.error as problem:
            raise self.wrong(f"not a regular expression: {problem}", key) from None

    def codes(self, key: str) -> tuple[tuple[str, str], ...]:
        """`{system: [code, …]}` as pairs."""
        content = self.content.get(key, {})
        if not isinstance(content, Mapping):
            raise self.wrong(f"{key} lists codes by system", key)
        return tuple(
            (system_of(system), str(code))
            for system, codes in content.items()
            for code in (codes if isinstance(codes, list) else [codes])
        )

    def coding(self, key: str) -> Coding | None:
        if self.content.get(key) is None:
            return None
        section = _Section(self.content[key], f"{self.where}: {key}")
        section.only("system", "code", "display")
        return Coding(section.text("system"), str(section.content.get("code", "")), section.maybe("display"))

    def path(self, text: Any, key: str, resource: str) -> Evaluator:
        if not isinstance(text, str):
            raise self.wrong(f"{key} is a FHIRPath expression", key)
        try:
            return paths.compile(text, resource)
        except PathError as problem:
            raise self.wrong(f"{problem.message} in “{text}”", key, fix=problem.fix) from None


_KNOWN = (
    "item", "id", "question", "who", "view", "read", "code", "profile", "ask", "find", "document", "part", "single",
    "varies",
)  # fmt: skip


def _definition(section: _Section, file: str) -> EvidenceDefinition:
    section.only(*_KNOWN)
    who, read = section.text("who"), section.maybe("read")
    if who not in SUPPLIERS:
        raise section.wrong(f"nobody is called {who}", "who", fix=f"one of {', '.join(sorted(SUPPLIERS))}")
    if read is not None and read not in NORMALISERS:
        raise section.wrong(f"no normaliser {read}", "read", fix=f"one of {', '.join(sorted(NORMALISERS))}")
    code = section.coding("code")
    asked = tuple(Coding(system, each) for system, each in section.codes("ask"))
    profile = section.maybe("profile")
    return EvidenceDefinition(
        item=section.text("item"),
        id=section.text("id"),
        question=section.text("question"),
        who=who,
        view=section.text("view"),
        read=read,
        code=code,
        profile=_profile(profile) if profile else None,
        ask=asked or ((code,) if code else ()),
        searches=tuple(_search(each) for each in section.sections("find")),
        document=_document(section),
        part=_part(section),
        single=section.flag("single"),
        varies=section.flag("varies"),
        file=file,
    )


def _profile(name: str) -> str:
    return name if "/" in name else f"{MCODE}{name}"


def _search(section: _Section) -> Search:
    section.only("resource", "codes", "profile", "text", "unless", "where", "value", "shares")
    resource = section.text("resource")
    codes, text = section.codes("codes"), section.pattern("text")
    profiles = tuple(_profile(str(each)) for each in section.each("profile"))
    if not (codes or profiles or text):
        raise section.wrong("codes, profile or text must say what to find", fix="add one of them")
    tier = Tier.TEXT if text else Tier.CODE
    where = section.content.get("where")
    return Search(
        resource,
        tier,
        codes,
        profiles,
        text,
        section.pattern("unless"),
        section.path(where, "where", resource) if where is not None else None,
        tuple(_value(section, each, resource) for each in section.each("value")),
        section.flag("shares"),
    )


def _value(section: _Section, content: Any, resource: str) -> Value:
    if not isinstance(content, Mapping):
        return Value(section.path(content, "value", resource))
    inner = _Section(content, f"{section.where}: value")
    inner.only("path", "tier")
    stated = inner.maybe("tier")
    if stated is not None and stated not in [each.value for each in Tier]:
        raise inner.wrong(f"no tier {stated}", "tier")
    return Value(inner.path(content.get("path"), "path", resource), Tier(stated) if stated else None)


def _document(section: _Section) -> Document | None:
    if section.content.get("document") is None:
        return None
    inner = _Section(section.content["document"], f"{section.where}: document")
    inner.only("kinds", "mentions")
    mentions = inner.pattern("mentions")
    if mentions is None:
        raise inner.wrong("the words that a document must mention are missing", "mentions")
    return Document(tuple(str(each) for each in inner.each("kinds")), mentions)


def _part(section: _Section) -> Part | None:
    if section.content.get("part") is None:
        return None
    inner = _Section(section.content["part"], f"{section.where}: part")
    inner.only("of", "values", "drugs", "where", "resource")
    parents = tuple(str(each) for each in inner.each("of"))
    if not parents:
        raise inner.wrong("the items that it is a part of are missing", "of")
    where = inner.content.get("where")
    return Part(
        parents,
        inner.pattern("values"),
        frozenset(str(each) for each in inner.each("drugs")),
        inner.path(where, "where", inner.text("resource")) if where is not None else None,
    )


def _document_kind(section: _Section) -> DocumentKind:
    section.only("kind", "codes", "text")
    return DocumentKind(section.text("kind"), section.codes("codes"), section.pattern("text"))
