"""Compiling a library and evaluating it over one patient's resources."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from prior_auth.cql.compiler.library import FHIR_HELPERS, LibraryCompiler
from prior_auth.cql.conversions import tester
from prior_auth.cql.data import DataSource
from prior_auth.cql.elm import read_elm
from prior_auth.cql.errors import At, CqlError, EvaluationError, nearest
from prior_auth.cql.runtime import Budget, Definition, Result, Run
from prior_auth.cql.syntax import parse_library
from prior_auth.cql.syntax.nodes import LibraryNode
from prior_auth.cql.tracing import TracedRun, TracingCompiler
from prior_auth.cql.types import DATE_TIME, DECIMAL, LONG, Type
from prior_auth.cql.values import temporal
from prior_auth.cql.values.core import Long
from prior_auth.cql.values.temporal import Date, DateTime
from prior_auth.terminology.valuesets import ValueSet

MAX_INCLUDES = 50
Source = str | Mapping[str, Any]


class Results(Mapping[str, Result]):
    """The result of each define, worked out when it is first asked for; one that breaks leaves the others alone."""

    def __init__(self, run: Run, definitions: Mapping[str, Definition]) -> None:
        self._run = run
        self._definitions = definitions

    @property
    def traced(self) -> TracedRun | None:
        """How the values came about, where the evaluation was traced: for `prior_auth.cql.why`."""
        return self._run if isinstance(self._run, TracedRun) else None

    def definition(self, name: str) -> Definition:
        return self._definitions[name]

    def __getitem__(self, name: str) -> Result:
        return self._run.evaluated(self._definitions[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._definitions)

    def __len__(self) -> int:
        return len(self._definitions)

    @property
    def steps(self) -> int:
        """Steps used up so far."""
        return self._run.budget.steps - self._run.steps


class Library:
    """A compiled library; it holds no patient's data and may be used by many threads."""

    def __init__(self, compiler: LibraryCompiler, tracing: Callable[[], Library] | None = None) -> None:
        self._tracing = tracing
        self._traced: Library | None = None
        self.name = compiler.node.name
        self.version = compiler.node.version
        self.definitions: Mapping[str, Definition] = MappingProxyType(
            {name: compiler.compiled[name] for name in compiler.node.definitions if name in compiler.compiled}
        )
        self.parameters: Mapping[str, Type] = MappingProxyType(_parameters(compiler))
        self.value_sets: Mapping[str, ValueSet] = MappingProxyType(_used_sets(compiler))
        self.clock: tuple[At, ...] = tuple(_clock(compiler))
        self.doubts: tuple[CqlError, ...] = tuple(dict.fromkeys(_doubts(compiler)))
        self.node: LibraryNode = compiler.node
        self.included: Mapping[str, LibraryNode] = MappingProxyType(dict(_included(compiler)))

    def evaluate(
        self,
        resources: DataSource,
        parameters: Mapping[str, Any] | None = None,
        *,
        budget: Budget | None = None,
        now: dt.datetime | None = None,
        traced: bool = False,
    ) -> Results:
        """Every define over these resources. `now` is what Now() and Today() give, which are problems without it.

        With `traced` the results are the same and remember how each came about, for `prior_auth.cql.why`; the library
        is compiled for it a second time, when it is first asked for, so that plain evaluation pays nothing.

        Parameters are Python values (date, datetime, Decimal, str, ...) or values of this package. EvaluationError for
        one that the library does not declare or that is of another type; a missing one is the problem of the defines
        that use it.
        """
        given = {name: self._given(name, value) for name, value in (parameters or {}).items()}
        moment = None if now is None else temporal.of_python(now)
        clock = moment if isinstance(moment, DateTime) else None
        kind, library = (TracedRun, self.with_trace()) if traced else (Run, self)
        return Results(kind(resources, given, self.value_sets, budget or Budget(), clock), library.definitions)

    def with_trace(self) -> Library:
        """The library with every node watched; made once. Two threads that ask at once may both make it."""
        if self._traced is None:
            self._traced = self._tracing() if self._tracing is not None else self
        return self._traced

    def _given(self, name: str, value: Any) -> Any:
        type_ = self.parameters.get(name)
        if type_ is None:
            raise EvaluationError(f"{self.name} has no parameter `{name}`", fix=nearest(name, self.parameters))
        found = parameter_value(value, type_)
        if found is not None and not tester(type_)(found):
            raise EvaluationError(f"the parameter `{name}` of {self.name} must be a {type_}")
        return found


def parameter_value(value: Any, type_: Type) -> Any:
    """A Python value as the CQL value of a parameter's type."""
    if isinstance(value, dt.date):
        moment = temporal.of_python(value)
        return DateTime(moment.parts) if type_ == DATE_TIME and isinstance(moment, Date) else moment
    if isinstance(value, int) and not isinstance(value, (bool, Long)):
        return Decimal(value) if type_ == DECIMAL else Long(value) if type_ == LONG else value
    return value


class Libraries(Mapping[str, str]):
    """Texts of libraries by name, to be included: each is compiled once for all that are compiled with `include=` this.

    It is used where rules are loaded, by one thread.
    """

    def __init__(self, texts: Mapping[str, str], valuesets: Mapping[str, ValueSet]) -> None:
        self.texts = dict(texts)
        self.valuesets = valuesets
        self.loader = _Loader(self.texts, valuesets)

    def __getitem__(self, name: str) -> str:
        return self.texts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts)

    def __len__(self) -> int:
        return len(self.texts)


def compile_library(
    text: str,
    *,
    include: Mapping[str, str] | None = None,
    valuesets: Mapping[str, ValueSet] | None = None,
    name: str = "library",
    strict: bool = False,
) -> Library:
    """The library in `text`, checked as a whole. CqlError (a RuleError) with `name:line:column` for what is wrong.

    With `strict` the first of its `doubts` is one too: what is CQL, and without use.

    `include` holds the texts of libraries by name, FHIRHelpers excepted, which is built in (`Libraries` where several
    are compiled that include the same); `valuesets` the value sets by url (and by `url|version`, see
    `prior_auth.terminology.valuesets.value_sets`).
    """
    library = _compiled(text, include, valuesets, name)
    if strict and library.doubts:
        raise library.doubts[0]
    return library


def compile_elm(
    document: Mapping[str, Any],
    *,
    include: Mapping[str, Source] | None = None,
    valuesets: Mapping[str, ValueSet] | None = None,
    name: str = "library",
) -> Library:
    """The library in an ELM JSON document, checked and run as one from text; places are those of its locators.

    `include` holds the other libraries by name, as ELM documents or as texts. CqlError for what is not supported.
    """
    return _compiled(document, include, valuesets, name)


def _compiled(
    source: Source, include: Mapping[str, Source] | None, valuesets: Mapping[str, ValueSet] | None, name: str
) -> Library:
    if isinstance(include, Libraries):
        if valuesets is not None and valuesets is not include.valuesets:
            raise ValueError("libraries that are compiled together have the same value sets")
        loader = include.loader
    else:
        loader = _Loader(dict(include or {}), valuesets or {})

    def tracing() -> Library:
        return Library(_Loader(loader.texts, loader.value_sets, TracingCompiler).load(source, name))

    try:
        return Library(loader.load(source, name), tracing)
    except RecursionError:
        raise CqlError("the library is nested too deep", At(name, 1, 1), "use defines for the parts") from None


class _Loader:
    """Compiles a library and, once each, those that it includes."""

    def __init__(
        self,
        texts: Mapping[str, Source],
        value_sets: Mapping[str, ValueSet],
        compiler: type[LibraryCompiler] = LibraryCompiler,
    ) -> None:
        self.compiler = compiler
        self.texts = texts
        self.value_sets = value_sets
        self.loaded: dict[str, LibraryCompiler] = {}
        self.open: list[str] = []

    def load(self, source: Source, name: str) -> LibraryCompiler:
        node = parse_library(source, name) if isinstance(source, str) else read_elm(source, name)
        includes: dict[str, LibraryCompiler] = {}
        for one in node.includes:
            if one.library != FHIR_HELPERS:
                includes[one.alias] = self._included(one.library, one.version, one.at)
            elif one.version not in ("4.0.1", None):
                raise CqlError(f"FHIRHelpers {one.version} is not supported", one.at, "use version '4.0.1'")
        compiler = self.compiler(node, includes, self.value_sets, At(name, 1, 1))
        compiler.compile_all()
        return compiler

    def _included(self, library: str, version: str | None, at: At) -> LibraryCompiler:
        if library not in self.texts:
            raise CqlError(f"the library {library} is not here", at, nearest(library, [*self.texts, FHIR_HELPERS]))
        if library in self.open or len(self.open) > MAX_INCLUDES:
            raise CqlError(f"the library {library} includes itself", at)
        found = self.loaded.get(library)
        if found is None:
            self.open.append(library)
            try:
                found = self.loaded[library] = self.load(self.texts[library], library)
            finally:
                self.open.pop()
        if version is not None and found.node.version != version:
            raise CqlError(f"{library} is here in version {found.node.version}, not {version}", at)
        return found


def _parameters(compiler: LibraryCompiler) -> dict[str, Type]:
    found: dict[str, Type] = {}
    for one in compiler.includes.values():
        found |= _parameters(one)
    return found | compiler.parameters


def _clock(compiler: LibraryCompiler) -> list[At]:
    """Where the library or one that it includes asks for the time of the evaluation."""
    return [*compiler.clock, *(at for one in compiler.includes.values() for at in _clock(one))]


def _included(compiler: LibraryCompiler) -> Iterator[tuple[str, LibraryNode]]:
    """The libraries that it leans on, by the names under which they are included; FHIRHelpers excepted."""
    for one in compiler.node.includes:
        inner = compiler.includes.get(one.alias)
        if inner is not None:
            yield one.library, inner.node
            yield from _included(inner)


def _doubts(compiler: LibraryCompiler) -> list[CqlError]:
    """What the library or one that it includes says without use: branches never reached, tests that nothing passes."""
    return [*compiler.doubts.values(), *(one for other in compiler.includes.values() for one in _doubts(other))]


def _used_sets(compiler: LibraryCompiler) -> dict[str, ValueSet]:
    found: dict[str, ValueSet] = {}
    for one in compiler.includes.values():
        found |= _used_sets(one)
    return found | compiler.used_sets
