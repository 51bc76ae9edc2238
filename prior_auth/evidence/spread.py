"""Metastases that a diagnosis names in its own words: `NSCLC metastatic to brain`, `Metastatic breast cancer`."""

from __future__ import annotations

import re
from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.evidence.normalise import Unreadable
from prior_auth.evidence.normalise.codes import SCT, statements
from prior_auth.evidence.normalise.condition_text import cancers_in
from prior_auth.evidence.normalise.site_table import SECONDARY_SITES
from prior_auth.evidence.normalise.text import fold

_SPREAD = re.compile(r"\b(?:oligo)?metasta(?:tic|sized|ses|sis)\b")
_SOMEWHERE = "other"


def spread_in(concept: Any) -> dict[str, Coding]:
    """Places by name, with their codes; one not said is `other`. A text that denies or doubts names none."""
    places: dict[str, Coding] = {}
    for words in statements(concept):
        try:
            named = cancers_in(words)
        except Unreadable:
            return {}
        kinds = {kind for _, kind in named}
        sites = [site or _SOMEWHERE for site, kind in named if kind == "secondary"]
        if not sites and kinds == {"primary"} and _SPREAD.search(fold(words)):
            sites = [_SOMEWHERE]
        for site in sites:
            code, display = SECONDARY_SITES.get(site, SECONDARY_SITES[_SOMEWHERE])
            places[site] = Coding(SCT, code, display)
    if len(places) > 1:
        places.pop(_SOMEWHERE, None)
    return places
