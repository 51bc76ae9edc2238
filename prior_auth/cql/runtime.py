"""One evaluation of a library: its inputs, its budget, what it has worked out so far and from what."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from prior_auth.cql.data import DataSource
from prior_auth.cql.errors import At, BudgetExceeded, EvaluationError, MissingParameter
from prior_auth.cql.types import Type, is_nested
from prior_auth.cql.values.core import Fhir, Vocabulary
from prior_auth.cql.values.patterns import Pattern
from prior_auth.cql.values.temporal import DateTime
from prior_auth.terminology.valuesets import ValueSet

Frame = list[Any]
Compute = Callable[["Run", Frame], Any]
Items = TypeVar("Items", bound=Sequence[Any])

MISSING = object()
_STEPS_BETWEEN_LOOKS = 200  # about a millisecond
Codes = tuple[tuple[str | None, str | None], ...]
# A retrieve: resource type, path, and what selects: the value set's `url` or `url|version`, or codes.
Asked = tuple[str, str | None, str | frozenset[Any] | None]


@dataclass(frozen=True, slots=True)
class Budget:
    """What one evaluation may use.

    Each row of a query, call of a function and piece of an expansion takes steps by the size of what is worked out for
    it; the default is about a second's work. `seconds` count by `clock`, a monotonic one that the caller gives, since
    nothing here reads any; without it only steps count.
    """

    steps: int = 200_000
    list_size: int = 100_000
    text_size: int = 1_000_000
    seconds: float = 2.0
    clock: Callable[[], float] | None = None


@dataclass(frozen=True, slots=True)
class Retrieve:
    """One retrieve that was made: what was asked for and what the chart returned."""

    type: str
    path: str | None
    value_set: str | None
    codes: Codes
    resources: tuple[Fhir, ...] = field(repr=False)

    @property
    def references(self) -> tuple[str, ...]:
        return tuple(one.reference or one.type for one in self.resources)


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """A compiled define, or a parameter's default: `compute` works on a frame of `slots` variables."""

    library: str
    name: str
    type: Type
    compute: Compute
    slots: int
    at: At
    text: str = ""
    private: bool = False
    is_nested: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_nested", is_nested(self.type))


class Result(NamedTuple):
    """What a define gave. With a `problem` there is no value."""

    name: str
    value: Any
    type: Type
    retrieves: tuple[Retrieve, ...]
    problem: EvaluationError | None
    at: At
    text: str

    @property
    def references(self) -> tuple[str, ...]:
        """`Type/id` of the resources that the value consists of, in its order."""
        return tuple(dict.fromkeys(_references(self.value)))

    @property
    def resources(self) -> tuple[Fhir, ...]:
        """The resources that the value consists of."""
        return tuple(_resources(self.value))


def _resources(value: Any) -> Iterator[Fhir]:
    if isinstance(value, Fhir):
        if value.reference is not None:
            yield value
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _resources(one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from _resources(one)


def _references(value: Any) -> Iterator[str]:
    return (one.reference for one in _resources(value) if one.reference is not None)


class Run:
    """The state of one evaluation; never shared, never kept."""

    __slots__ = (
        "_deadline", "_look_at", "_patterns", "_seconds", "asked", "budget", "cache", "fixed", "now", "parameters",
        "resources", "retrieves", "steps", "value_sets",
    )  # fmt: skip

    def __init__(
        self,
        resources: DataSource,
        parameters: Mapping[str, Any],
        value_sets: Mapping[str, ValueSet],
        budget: Budget,
        now: DateTime | None,
    ) -> None:
        self.resources = resources
        self.parameters = parameters
        self.value_sets = value_sets
        self.budget = budget
        self.steps = budget.steps
        self.now = now
        self.cache: dict[Definition, Result] = {}
        self.retrieves: dict[int, Retrieve] = {}
        self.asked: dict[Asked, Retrieve] = {}
        # What depends on parameters alone, and what functions gave for parts of the chart.
        self.fixed: dict[Hashable, Any] = {}
        self._patterns: dict[str, Pattern] = {}
        self._seconds = budget.seconds
        self._deadline: float | None = None  # while a define is worked out
        self._look_at = 0

    def step(self, count: int = 1) -> None:
        self.steps -= count
        if self.steps < self._look_at:
            self.look()

    def look(self) -> None:
        """BudgetExceeded where steps or time are used up; the clock is read once in many steps."""
        if self.steps < 0:
            raise BudgetExceeded(f"more than {self.budget.steps} steps", fix="narrow the retrieves of the rule")
        clock = self.budget.clock
        if clock is not None and self._deadline is not None:
            self._look_at = max(self.steps - _STEPS_BETWEEN_LOOKS, 0)
            if clock() > self._deadline:
                raise BudgetExceeded(
                    f"more than {self.budget.seconds} seconds of work", fix="narrow the retrieves of the rule"
                )

    def sized(self, items: Items) -> Items:
        """The list itself, unless it is too long."""
        self.step(1 + len(items) // 8)
        if len(items) > self.budget.list_size:
            raise BudgetExceeded(f"a list of more than {self.budget.list_size} elements")
        return items

    def text_length(self, length: int) -> None:
        if length > self.budget.text_size:
            raise BudgetExceeded(f"a text of more than {self.budget.text_size} characters")

    def weigh(self, value: Any) -> None:
        """Takes a step for eight of all values inside lists and tuples; a part that comes twice counts twice."""
        waiting = [value]
        while waiting:
            one = waiting.pop()
            if isinstance(one, (list, tuple)):
                waiting.extend(one)
            elif isinstance(one, dict):
                waiting.extend(one.values())
            else:
                continue
            self.step(1 + len(one) // 8)

    def pattern(self, text: str) -> Pattern:
        """A regular expression, read once in an evaluation."""
        found = self._patterns.get(text)
        if found is None:
            found = self._patterns[text] = Pattern(text)
        return found

    def sized_text(self, text: str) -> str:
        self.text_length(len(text))
        return text

    def value_set(self, reference: Vocabulary) -> ValueSet:
        key = f"{reference.id}|{reference.version}" if reference.version else reference.id
        found = self.value_sets.get(key)
        if found is None:
            raise EvaluationError(f"the value set {key} is not loaded", fix="declare it with `valueset`")
        return found

    def parameter(self, name: str, at: At) -> Any:
        """The supplied value. MissingParameter where there is none."""
        found = self.parameters.get(name, MISSING)
        if found is MISSING:
            raise MissingParameter(f"the parameter `{name}` was not supplied and has no default", where=str(at))
        return found

    def retrieved(self, asked: Asked, codes: Codes, fetch: Callable[[Run], Sequence[Fhir]]) -> Any:
        """What the chart returns for a retrieve; asked once in an evaluation, noted for each define."""
        known = self.asked.get(asked)
        if known is None:
            resources = self.sized(fetch(self))
            value_set = asked[2].partition("|")[0] if isinstance(asked[2], str) else None
            known = self.asked[asked] = Retrieve(asked[0], asked[1], value_set, codes, tuple(resources))
        self.retrieves[id(known)] = known
        return known.resources

    def define(self, definition: Definition) -> Any:
        """The value of a define, worked out once. EvaluationError where it has none."""
        result = self.cache.get(definition) or self.evaluated(definition)
        for one in result.retrieves:
            self.retrieves[id(one)] = one
        if result.problem is not None:
            raise result.problem
        return result.value

    def evaluated(self, definition: Definition) -> Result:
        """The define's result with the retrieves made for it; what goes wrong becomes its problem."""
        known = self.cache.get(definition)
        if known is not None:
            return known
        if self.budget.clock is not None and self._deadline is None:
            return self._timed(definition, self.budget.clock)
        outer, self.retrieves = self.retrieves, {}
        value, problem = None, None
        try:
            value = definition.compute(self, [None] * definition.slots)
            if definition.is_nested:
                self.weigh(value)
        except EvaluationError as error:
            problem = _located(error, definition.at)
        except RecursionError:
            problem = BudgetExceeded("defines and functions are nested too deep", where=str(definition.at))
        except (TypeError, ValueError, ArithmeticError, AttributeError, LookupError) as fault:
            # A chart or a rule that the engine did not foresee: a problem of this define, never an answer.
            problem = EvaluationError(f"the engine failed: {type(fault).__name__}", where=str(definition.at))
            problem.__cause__ = fault
        retrieves, self.retrieves = tuple(self.retrieves.values()), outer
        found = Result(definition.name, value, definition.type, retrieves, problem, definition.at, definition.text)
        self.cache[definition] = found
        return found

    def _timed(self, definition: Definition, clock: Callable[[], float]) -> Result:
        """What is asked for from outside; the time between two questions is not the rule's."""
        self._deadline = clock() + self._seconds
        self._look_at = self.steps
        try:
            return self.evaluated(definition)
        finally:
            self._seconds, self._deadline = self._deadline - clock(), None


def _located(error: EvaluationError, at: At) -> EvaluationError:
    if error.where is None:
        error.where = str(at)
    return error
