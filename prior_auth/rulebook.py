"""The only reader of `rules/`: reads it once, checks all of it, and says which policy was in force on a day."""

from __future__ import annotations

import gc
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path, PurePath

from prior_auth.cql import Libraries
from prior_auth.domain.coding import Coding
from prior_auth.domain.deadline import DeadlineRow
from prior_auth.errors import BadInput, RuleError
from prior_auth.evidence import extract
from prior_auth.evidence.definitions import EvidenceDefinitions
from prior_auth.evidence.normalise.drugs import ingredient
from prior_auth.policy.deadlines import read_deadlines, read_holidays
from prior_auth.policy.files import SYSTEMS, read_payer, read_policy, read_trial
from prior_auth.policy.lint import Finding, unused_in_libraries
from prior_auth.policy.model import Payer, Policy, ServiceCode
from prior_auth.policy.rule import Rule, join
from prior_auth.policy.yaml_lines import read_yaml
from prior_auth.terminology.valuesets import ValueSet, read_value_set, value_sets

_PACKAGE = Path(__file__).parent


def rules_folder(setting: Path | None = None) -> Path:
    """Where the rules are: the setting's path, else the checkout's `rules/`, else the copy in the package."""
    for folder in (setting, _PACKAGE.parent / "rules", _PACKAGE / "_rules"):
        if folder is not None and (folder == setting or (folder / "payers").is_dir()):
            return folder
    raise RuleError("there are no rules", where=str(_PACKAGE / "_rules"), fix="name a folder in PRIOR_AUTH_RULES")


def evidence_definitions(folder: Path | None = None) -> EvidenceDefinitions:
    """What can be asked of a chart, without compiling any policy. Raises RuleError with `file:line`."""
    root = rules_folder(folder)
    files = {_name(root, file): _text(file) for file in _files(root, "evidence/*.yaml")}
    return EvidenceDefinitions.parse({name: read_yaml(text, file=name) for name, text in files.items()})


def extract_definition(id: str, definitions: EvidenceDefinitions, *, folder: Path | None = None) -> extract.Extract:
    """A table that can be made of a chart's facts. Raises RuleError, and BadInput where there is none of this id."""
    root = rules_folder(folder)
    files = {file.stem: file for file in _files(root, "extracts/*.yaml")}
    if id not in files:
        raise BadInput(f"no extract {id}", where="--kind", fix=f"name one of {', '.join(files) or 'none'}")
    name = _name(root, files[id])
    return extract.parse(read_yaml(_text(files[id]), file=name), file=name, definitions=definitions)


@dataclass(frozen=True, slots=True)
class _Ground:
    """What all policies lean on: evidence definitions, libraries, value sets. `digest` is of all their texts."""

    digest: str
    definitions: EvidenceDefinitions
    libraries: Libraries
    sets: Mapping[str, ValueSet]

    @classmethod
    def read(cls, root: Path, known: _Ground | None) -> _Ground:
        """`known` itself where the files say the same as then."""
        texts = {
            _name(root, file): _text(file)
            for pattern in ("evidence/*.yaml", "libraries/*.cql", "codes/*.json")
            for file in _files(root, pattern)
        }
        digest = _digest(part for pair in texts.items() for part in pair)
        if known is not None and known.digest == digest:
            return known
        definitions = EvidenceDefinitions.parse(
            {name: read_yaml(text, file=name) for name, text in texts.items() if name.endswith(".yaml")}
        )
        sets = value_sets(
            read_value_set(_json(text, name), where=name) for name, text in texts.items() if name.endswith(".json")
        )
        libraries = {PurePath(name).stem: text for name, text in texts.items() if name.endswith(".cql")}
        return cls(digest, definitions, Libraries(libraries, sets), sets)

    def rule(self, file: str, payer: Payer | None, topic: str, *, yaml: str, cql: str) -> Rule:
        """A payer's, or with none a trial's."""
        if payer is None:
            policy = read_trial(yaml, file=file, topic=topic, definitions=self.definitions)
        else:
            policy = read_policy(yaml, file=file, payer=payer, topic=topic, definitions=self.definitions)
        cql_file = PurePath(file).with_name("policy.cql").as_posix()
        return join(policy, yaml=yaml, cql=cql, file=cql_file, libraries=self.libraries, sets=self.sets)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads policies; of `known`, an earlier rulebook, it takes what was made from the same texts."""

    root: Path
    ground: _Ground
    known: Rulebook | None
    made_from: dict[str, str]

    def rule(self, file: Path, payer: Payer | None = None, payer_text: str = "") -> Rule:
        yaml, cql = _text(file), _text(file.with_name("policy.cql"))
        name = _name(self.root, file)
        self.made_from[name] = _digest([self.ground.digest, payer_text, yaml, cql])
        unchanged = self.known.rule_made_from(name, self.made_from[name]) if self.known else None
        return unchanged or self.ground.rule(name, payer, file.parent.name, yaml=yaml, cql=cql)


def _digest(texts: Iterable[str]) -> str:
    whole = hashlib.sha256()
    for text in texts:
        whole.update(hashlib.sha256(text.encode()).digest())
    return whole.hexdigest()


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Python's collector looks again and again through what is loaded, all of which stays: a quarter of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class Rulebook:
    """Payers, their policies compiled, and the evidence definitions. Built by `load`; then it only answers.

    `rules` are the payers'; `trials` stand apart, so that no request is ever judged by a trial nor a trial by a plan.
    """

    def __init__(
        self,
        payers: Mapping[str, Payer],
        rules: Sequence[Rule],
        definitions: EvidenceDefinitions,
        deadlines: Sequence[DeadlineRow] = (),
        trials: Sequence[Rule] = (),
    ) -> None:
        self.payers = payers
        self.deadlines = tuple(deadlines)
        self.rules = tuple(rules)
        self.trials = tuple(trials)
        self.definitions = definitions
        self._ground: _Ground | None = None
        self._made_from: Mapping[str, str] = {}

    @classmethod
    def load(cls, folder: Path | None = None, *, known: Rulebook | None = None) -> Rulebook:
        """Everything in a rules folder. RuleError, with `file:line`, for the first thing that is wrong.

        Of `known`, a rulebook loaded earlier, each rule is taken whose files say the same as then, and of which nothing
        that it leans on has changed; the others are read anew.
        """
        with _nothing_collected():
            return cls._load(rules_folder(folder), known)

    @classmethod
    def _load(cls, root: Path, known: Rulebook | None) -> Rulebook:
        if not (root / "payers").is_dir():
            raise RuleError("this is no rules folder: it has no payers/", where=str(root))
        ground = _Ground.read(root, known._ground if known else None)
        reader = _Reader(root, ground, known, {})
        payers: dict[str, Payer] = {}
        rules: list[Rule] = []
        for file in _files(root, "payers/*/payer.yaml"):
            text = _text(file)
            payer = read_payer(text, file=_name(root, file))
            if payer.id in payers:
                raise RuleError(f"the payer {payer.id} is there twice", where=_name(root, file))
            payers[payer.id] = payer
            rules += [reader.rule(topic, payer, text) for topic in _files(file.parent, "*/policy.yaml")]
        trials = [reader.rule(topic) for topic in _files(root, "trials/*/policy.yaml")]
        found = cls(payers, rules, ground.definitions, _deadlines(root), trials)
        found._ground, found._made_from = ground, reader.made_from
        return found

    def rule_made_from(self, file: str, digest: str) -> Rule | None:
        """The rule of a policy file, if it was made from texts of this digest."""
        if self._made_from.get(file) != digest:
            return None
        return next(rule for rule in self.every_rule if rule.policy.file == file)

    @property
    def every_rule(self) -> tuple[Rule, ...]:
        """The payers' and the trials', for those who write rules; nothing is judged by it."""
        return (*self.rules, *self.trials)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What the lint lists of all policies, and of the libraries that they share."""
        shared = unused_in_libraries([rule.library for rule in self.every_rule])
        return (*(one for rule in self.every_rule for one in rule.warnings), *shared)

    def trial(self, named: str) -> Rule:
        """The trial of an NCT number, an id or a topic. BadInput where there is none."""
        for rule in self.trials:
            if rule.policy.trial is not None and named in (rule.policy.trial.nct, rule.policy.id, rule.policy.topic):
                return rule
        known = ", ".join(one.policy.trial.nct for one in self.trials if one.policy.trial) or "none"
        raise BadInput("no such trial in the rulebook", where="--trial", fix=f"name one of {known}")

    def payer(self, id: str) -> Payer | None:
        return self.payers.get(id)

    def payer_of(self, identifiers: Sequence[tuple[str, str]]) -> Payer | None:
        """The payer that bears one of the identifiers, each (system, value)."""
        return next((one for one in self.payers.values() if set(one.identifiers) & set(identifiers)), None)

    def rule_for(self, payer: Payer, codings: Sequence[Coding], on: date, text: str | None = None) -> Rule | None:
        """The payer's rule for a service on a day: by its codes, the payer's drug table, or the ingredient."""
        drug = _ingredient(payer, codings, text)
        keys = {one.key for one in codings}
        for rule in self.rules:
            policy = rule.policy
            if policy.payer != payer.id or not policy.holds_on(on):
                continue
            stated = any(one.coding.key in keys and one.holds_on(on) for one in policy.services)
            if stated or (drug is not None and drug in policy.ingredients):
                return rule
        return None

    def is_paid_unasked(self, payer: Payer, codings: Sequence[Coding], text: str | None = None) -> bool:
        """Whether a drug is on the payer's list of those that need no authorization."""
        return _ingredient(payer, codings, text) in payer.without_authorization

    def policies(self, payer: Payer) -> tuple[Policy, ...]:
        return tuple(rule.policy for rule in self.rules if rule.policy.payer == payer.id)

    def billing_units(self, codings: Sequence[Coding], amount: Decimal, unit: str | None) -> Decimal | None:
        """An ordered amount in billing units; milligrams by what a unit of the service is, rounded up (notes 3.2)."""
        if unit is None or unit.lower() in _COUNTED:
            return amount
        service = self._service(codings)
        if service is None or service.unit != unit or not service.unit_size:
            return None
        return Decimal(-(-amount // service.unit_size))

    def _service(self, codings: Sequence[Coding]) -> ServiceCode | None:
        keys = {one.key for one in codings}
        services = (one for rule in self.rules for one in rule.policy.services)
        return next((one for one in services if one.coding.key in keys and one.unit_size), None)


_COUNTED = frozenset(
    {"", "1", "{unit}", "{units}", "unit", "units", "billing unit", "billing units", "{tbl}", "{tablet}", "tablet",
     "tablets", "tab", "tbl", "{count}", "{dose}", "each", "ea"}
)  # fmt: skip


def _ingredient(payer: Payer, codings: Sequence[Coding], text: str | None) -> str | None:
    for one in codings:
        key = (one.system, _plain_ndc(one.code) if one.system == SYSTEMS["ndc"] else one.code)
        if key in payer.drugs:
            return payer.drugs[key][0]
    found = ingredient(codings, text)
    return found.name if found else None


def _plain_ndc(code: str) -> str:
    """Eleven digits: 5-4-2 without hyphens, each part filled up with zeros."""
    parts = code.split("-")
    if len(parts) == 3 and all(part.isdigit() for part in parts):
        return f"{parts[0]:0>5}{parts[1]:0>4}{parts[2]:0>2}"
    return code


def payers_and_deadlines(folder: Path | None = None) -> tuple[tuple[Payer, ...], tuple[DeadlineRow, ...]]:
    """Payers and rows of law alone, in a moment: no policy is compiled for them. RuleError with `file:line`."""
    root = rules_folder(folder)
    payers = (read_payer(_text(file), file=_name(root, file)) for file in _files(root, "payers/*/payer.yaml"))
    return tuple(payers), tuple(_deadlines(root))


def _deadlines(root: Path) -> list[DeadlineRow]:
    calendars = {
        file.stem: read_holidays(_text(file), file=_name(root, file), id=file.stem)
        for file in _files(root, "deadlines/holidays/*.yaml")
    }
    found: dict[str, DeadlineRow] = {}
    for file in _files(root, "deadlines/*.yaml"):
        for row in read_deadlines(_text(file), file=_name(root, file), calendars=calendars):
            if row.id in found:
                raise RuleError(f"the row {row.id} is there twice", where=_name(root, file), fix="give it its own id")
            found[row.id] = row
    return list(found.values())


def _files(root: Path, pattern: str) -> list[Path]:
    return sorted(root.glob(pattern))


def _name(root: Path, file: Path) -> str:
    return f"rules/{file.relative_to(root).as_posix()}"


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RuleError("this file of the policy is missing", where=str(file)) from None
    except (OSError, UnicodeDecodeError) as problem:
        raise RuleError(f"cannot be read: {problem}", where=str(file)) from None


def _json(text: str, name: str) -> Mapping[str, object]:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as problem:
        raise RuleError(f"this is no JSON: {problem.msg}", where=f"{name}:{problem.lineno}") from None
    if not isinstance(content, Mapping):
        raise RuleError("this is no ValueSet", where=name)
    return content
