"""Pathogenic, likely pathogenic, uncertain, likely benign, benign; germline or somatic."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.evidence.normalise.codes import LNC, SCT, codings, only, refuse_absent, statements
from prior_auth.evidence.normalise.reading import Normaliser, Reading, Unreadable
from prior_auth.evidence.normalise.text import fold

SIGNIFICANCE_CODES: Mapping[str, Coding] = {
    "pathogenic": Coding(LNC, "LA6668-3", "Pathogenic"),
    "likely-pathogenic": Coding(LNC, "LA26332-9", "Likely pathogenic"),
    "uncertain": Coding(LNC, "LA26333-7", "Uncertain significance"),
    "likely-benign": Coding(LNC, "LA26334-5", "Likely benign"),
    "benign": Coding(LNC, "LA6675-8", "Benign"),
}
_OF_CODE = {coding.code: name for name, coding in SIGNIFICANCE_CODES.items()}
SOURCE_CODES: Mapping[str, Coding] = {
    "germline": Coding(LNC, "LA6683-2", "Germline"),
    "somatic": Coding(LNC, "LA6684-0", "Somatic"),
}
_SOURCE_OF_CODE = {
    (LNC, "LA6683-2"): "germline",
    (LNC, "LA6684-0"): "somatic",
    (SCT, "255395001"): "germline",
    (SCT, "255461003"): "somatic",
}
# In the order they are tried: the longer name first.
SIGNIFICANCE_WORDS: Sequence[tuple[str, str]] = (
    ("likely-pathogenic", r"(?:likely|probably|suspected) (?:pathogenic|deleterious)|pathogenic/likely pathogenic|lp"),
    ("likely-benign", r"(?:likely|probably) benign|benign/likely benign|lb"),
    (
        "uncertain",
        r"(?:variants? )?of (?:uncertain|unknown|undetermined) (?:clinical )?significance|(?:uncertain|unknown) "
        r"(?:clinical )?significance|vus",
    ),
    ("pathogenic", r"pathogenic|deleterious"),
    ("benign", r"benign"),
)
_WHOLE = re.compile(
    "|".join(f"(?P<s{index}>{words})" for index, (_, words) in enumerate(SIGNIFICANCE_WORDS)),
)


def significance_in(text: str) -> str | None:
    """The significance that a text is, whole; None of any other text, `not pathogenic` among them."""
    match = _WHOLE.fullmatch(re.sub(r"\s*\bvariants?$|^class(?:ified as)? |^clinical significance:? ", "", fold(text)))
    return SIGNIFICANCE_WORDS[int((match.lastgroup or "s0")[1:])][0] if match else None


def significance_of(value: Any) -> str | None:
    """By code, else by text. Raises Unreadable where they contradict."""
    refuse_absent(value)
    coded = {_OF_CODE[each.code] for each in codings(value) if each.system == LNC and each.code in _OF_CODE}
    worded = {name for name in map(significance_in, statements(value)) if name}
    return only(coded | worded, "significance")


def source_of(value: Any) -> str | None:
    """`germline` or `somatic`, by code or by a text that says just that."""
    coded = {_SOURCE_OF_CODE[each.key] for each in codings(value) if each.key in _SOURCE_OF_CODE}
    worded = {fold(words) for words in statements(value)} & {"germline", "somatic"}
    return only(coded | worded, "source class")


def significance(_: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    found = significance_of(value)
    if found is None:
        raise Unreadable("no significance that is known")
    return (Reading(found, coded=SIGNIFICANCE_CODES[found], text=next(iter(statements(value)), None)),)


SIGNIFICANCE_NORMALISERS: Mapping[str, Normaliser] = {"significance": significance}
