"""Which cancer a Condition states: site by SNOMED CT, ICD-10-CM or text; primary, secondary, past, in situ, benign.

A reading's value is the site's name; `extra` holds `kind` (`primary`, `secondary`, `history`, `family-history`,
`in-situ`, `benign`, `uncertain`, `risk`), `laterality`, `by` (`code`, `text`), `nodal` for a secondary of lymph nodes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.evidence.normalise.codes import ICD10CM, SCT, codings, refuse_absent, statements
from prior_auth.evidence.normalise.condition_text import cancers_in
from prior_auth.evidence.normalise.histology import family_in
from prior_auth.evidence.normalise.laterality import laterality_of
from prior_auth.evidence.normalise.reading import Normaliser, Reading, Unreadable
from prior_auth.evidence.normalise.site_table import (
    HISTORY_ICD10,
    OTHER_KINDS_ICD10,
    OTHER_KINDS_SNOMED,
    SECONDARY_ICD10,
    SECONDARY_SITES,
    SITES,
)
from prior_auth.evidence.normalise.text import fold


@dataclass(frozen=True, slots=True)
class Cancer:
    """`site` is None where only the kind is known."""

    site: str | None
    kind: str


_SITE_OF_SNOMED = {code: site.name for site in SITES.values() for code in site.snomed}
_SECONDARY_OF_SNOMED = {code: name for name, (code, _) in SECONDARY_SITES.items()}
_SITE_OF_ICD10 = {prefix: site.name for site in SITES.values() for prefix in site.icd10}


def dotted(code: str) -> str:
    """ICD-10-CM with its dot: `C50912` is `C50.912`."""
    plain = code.strip().upper().replace(".", "")
    return f"{plain[:3]}.{plain[3:]}" if len(plain) > 3 else plain


def _longest(code: str, table: Mapping[str, str]) -> str | None:
    fitting = [prefix for prefix in table if code.startswith(prefix)]
    return table[max(fitting, key=len)] if fitting else None


def cancer_of_icd10(code: str) -> Cancer | None:
    """The cancer an ICD-10-CM code states; None where it is none."""
    code = dotted(code)
    for pattern, kind in OTHER_KINDS_ICD10:
        if re.match(pattern, code):
            site = "breast" if code.startswith("D05") else _longest(code, HISTORY_ICD10)
            return Cancer(site, kind)
    secondary = _longest(code, SECONDARY_ICD10)
    if secondary:
        return Cancer(secondary, "secondary")
    site = _longest(code, _SITE_OF_ICD10)
    if site:
        return Cancer(site, "primary")
    return Cancer("unspecified", "primary") if re.match(r"C([0-6]\d|7[0-6]|7A|8[1-9]|9[0-6])", code) else None


def _cancer_of(coding: Coding) -> Cancer | None:
    if coding.system == ICD10CM or (not coding.system and re.fullmatch(r"C\d\d(\.\w{1,4})?", coding.code)):
        return cancer_of_icd10(coding.code)
    if coding.system != SCT:
        return None
    if coding.code in OTHER_KINDS_SNOMED:
        kind, site = OTHER_KINDS_SNOMED[coding.code]
        return Cancer(site, kind)
    if coding.code in _SECONDARY_OF_SNOMED:
        return Cancer(_SECONDARY_OF_SNOMED[coding.code], "secondary")
    return Cancer(_SITE_OF_SNOMED[coding.code], "primary") if coding.code in _SITE_OF_SNOMED else None


def _narrowest(found: Sequence[Cancer]) -> Cancer:
    """One cancer of several codings: the type beats its site, a site beats "unspecified". Raises where sites differ."""
    if len({each.kind for each in found}) > 1:
        raise Unreadable("codes state a present and another kind of tumour at once")
    sites = {each.site for each in found if each.site}
    wider = {SITES[site].within for site in sites if site in SITES} | {"unspecified", "other"}
    narrow = {site for site in sites if site not in wider} or sites
    if len(narrow) > 1:
        raise Unreadable("codes state different sites")
    return Cancer(next(iter(narrow), None), found[0].kind)


def _refined(cancer: Cancer, value: Any) -> tuple[Cancer, str]:
    """ICD-10-CM C34 does not tell non-small cell from small cell; the words beside it may."""
    if cancer.site != "lung" or cancer.kind != "primary":
        _contradicted(cancer, value)
        return cancer, "code"
    for words in statements(value):
        try:
            family = family_in(words)
        except Unreadable:
            continue
        if family and family.lung:
            return replace(cancer, site=family.lung), "text"
    return cancer, "code"


def _contradicted(cancer: Cancer, value: Any) -> None:
    """Raises Unreadable where a code says one type of lung cancer and its words the other."""
    if cancer.site not in ("nsclc", "sclc") or cancer.kind != "primary":
        return
    for words in statements(value):
        folded = re.sub(r"non[- ]?small[- ]?cell", "nsclc", fold(words))
        other = (
            "sclc"
            if re.search(r"(?<!n)sclc|small[- ]?cell|oat[- ]cell", folded)
            else "nsclc"
            if "nsclc" in folded
            else None
        )
        if other and other != cancer.site:
            raise Unreadable("code and words state different types of lung cancer")


def _coded(cancer: Cancer) -> Coding | None:
    if cancer.kind == "secondary":
        code, display = SECONDARY_SITES[cancer.site or "other"]
        return Coding(SCT, code, display)
    site = SITES.get(cancer.site or "")
    return Coding(SCT, site.code, site.display) if site and site.code and cancer.kind == "primary" else None


def _reading(cancer: Cancer, by: str, value: Any) -> Reading:
    extra = {
        "kind": cancer.kind,
        "by": by,
        "laterality": _side(value),
        "nodal": cancer == Cancer("lymph-node", "secondary"),
    }
    text = next(iter(statements(value)), None)
    return Reading(cancer.site, coded=_coded(cancer), text=text, extra=extra)


def _side(value: Any) -> str | None:
    try:
        return laterality_of(value)
    except Unreadable:
        return None


def diagnosis(_: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    """The cancer of a Condition.code; from text there may be two (a primary and where it has spread)."""
    refuse_absent(value)
    coded = [found for found in map(_cancer_of, codings(value)) if found]
    if coded:
        cancer, by = _refined(_narrowest(coded), value)
        return (_reading(cancer, by, value),)
    for words in statements(value):
        found = cancers_in(words)
        if found:
            return tuple(_reading(Cancer(site, kind), "text", value) for site, kind in found)
    raise Unreadable("no cancer that is known")


DIAGNOSIS_NORMALISERS: Mapping[str, Normaliser] = {"diagnosis": diagnosis}
