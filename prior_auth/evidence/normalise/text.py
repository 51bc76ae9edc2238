"""Small grammars over chart text: every word must be known, else the text is unread.

That is how negation and doubt are kept out: "no evidence of", "family history of", "possible" are words no lexicon of
values holds, so a text with them is unread unless its grammar names the very phrase.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from prior_auth.evidence.normalise.reading import Unreadable

_SIGNS = str.maketrans(
    {"≥": ">=", "≤": "<=", "–": "-", "—": "-", "−": "-", "‐": "-", "‑": "-", "×": "x", "’": "'", "\u00a0": " "}
)
_SEMANTIC_TAG = re.compile(
    r"\((qualifier value|finding|disorder|observable entity|situation|procedure|regime/therapy)\)"
)

COMPARATORS = {
    ">=": ">=",
    "=>": ">=",
    "<=": "<=",
    "=<": "<=",
    ">": ">",
    "<": "<",
    "greater than or equal to": ">=",
    "less than or equal to": "<=",
    "at least": ">=",
    "at most": "<=",
    "greater than": ">",
    "more than": ">",
    "less than": "<",
    "over": ">",
    "under": "<",
    "below": "<",
    "above": ">",
}
COMPARATOR = "|".join(sorted(map(re.escape, COMPARATORS), key=len, reverse=True))
NUMBER = r"\d+(?:\.\d+)?"

_DOUBT = re.compile(
    r"\b(rule[sd]? out|r/o|ruling out|possibl[ey]|probabl[ey]|suspected|suspicio\w+|suspect|concern(ing)? for|"
    r"question(able)? of|cannot (be )?exclude\w*|not excluded|"
    r"versus|vs|differential|likely|presumed|presumptive|risk of|at risk|"
    r"screening( for)?|evaluat(e|ion) (for|of)|work-?up|consider|pending)\b|\?",
)
_NEGATION = re.compile(
    r"\b(no|not|non|without|denies|denied|deny|negative for|absence of|absent|free of|ruled out|excluded|never|"
    r"no evidence of|resolved without|unlikely)\b"
)
_FAMILY = re.compile(
    r"\b(family (medical )?(history|hx)|fh of|fhx|fam hx|mother|father|sister|brother|aunt|uncle|grand\w+|"
    r"maternal|paternal)\b"
)
_PAST = re.compile(
    r"\b(personal history|history of|hx of|h/o|past history|past medical history|s/p|status post|remote)\b"
)


def fold(text: str) -> str:
    """Lower case, plain signs and single spaces; semantic tags of SNOMED CT names dropped."""
    plain = unicodedata.normalize("NFKC", text.translate(_SIGNS)).translate(_SIGNS).lower()
    return re.sub(r"\s+", " ", _SEMANTIC_TAG.sub(" ", plain)).strip(" .")


def doubtful(folded: str) -> bool:
    return _DOUBT.search(folded) is not None


def negated(folded: str) -> bool:
    return _NEGATION.search(folded) is not None


def of_family(folded: str) -> bool:
    return _FAMILY.search(folded) is not None


def of_the_past(folded: str) -> bool:
    return _PAST.search(folded) is not None


def comparator(words: str | None) -> str | None:
    return COMPARATORS[words.strip()] if words and words.strip() else None


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` as the lexicon names it; `groups` the named parts of what matched."""

    kind: str
    text: str
    groups: dict[str, str | None]

    def number(self, name: str = "number") -> Decimal:
        return Decimal(self.groups[name] or "")


class Lexicon:
    """An ordered list of (kind, pattern): at each place of a text the first that matches a whole word is its token."""

    def __init__(self, rules: Sequence[tuple[str, str]], *, skip: str = r"[\s:=\"'*|]+") -> None:
        self._rules = tuple(
            (kind, re.compile(rf"(?:{pattern})(?:(?<![a-z0-9])|(?![a-z0-9]))")) for kind, pattern in rules
        )
        self._skip = re.compile(skip)

    def read(self, text: str, what: str) -> tuple[Token, ...]:
        """Every token of the text. Raises Unreadable at the first word that is not in the lexicon."""
        folded = fold(text)
        place, tokens = 0, []
        while place < len(folded):
            gap = self._skip.match(folded, place)
            if gap:
                place = gap.end()
                continue
            token = self._at(folded, place)
            if token is None:
                raise Unreadable(f"the text is no {what} that a grammar knows")
            tokens.append(token)
            place += len(token.text)
        return tuple(token for token in tokens if token.kind != "noise")

    def _at(self, folded: str, place: int) -> Token | None:
        for kind, rule in self._rules:
            match = rule.match(folded, place)
            if match and match.end() > place:
                return Token(kind, match.group(), match.groupdict())
        return None
