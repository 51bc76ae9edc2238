"""Regimens that charts call by name, and the drugs of each. General knowledge of the field, not re-read [L].

Only names that mean one thing: `AC` before a meal, `TC` with either taxane and `TAC` beside tacrolimus are left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

REGIMENS: Mapping[str, tuple[str, ...]] = {
    r"m?folfox-?\s?[4-7]?": ("oxaliplatin", "fluorouracil", "leucovorin"),
    r"folfiri": ("irinotecan", "fluorouracil", "leucovorin"),
    r"m?folfirinox|folfoxiri": ("oxaliplatin", "irinotecan", "fluorouracil", "leucovorin"),
    r"capox|xelox|capeox": ("capecitabine", "oxaliplatin"),
    r"flot": ("fluorouracil", "leucovorin", "oxaliplatin", "docetaxel"),
    r"dd-?\s?ac|dose[- ]dense ac|ac\s?x\s?4": ("doxorubicin", "cyclophosphamide"),
    r"tchp": ("docetaxel", "carboplatin", "trastuzumab", "pertuzumab"),
    r"tch": ("docetaxel", "carboplatin", "trastuzumab"),
    r"cmf": ("cyclophosphamide", "methotrexate", "fluorouracil"),
    r"r-?\s?chop": ("rituximab", "cyclophosphamide", "doxorubicin", "vincristine", "prednisone"),
    r"chop": ("cyclophosphamide", "doxorubicin", "vincristine", "prednisone"),
    r"abvd": ("doxorubicin", "bleomycin", "vinblastine", "dacarbazine"),
    r"(?:dd-?\s?)?mvac": ("methotrexate", "vinblastine", "doxorubicin", "cisplatin"),
    r"gem\s?[-/]\s?cis": ("gemcitabine", "cisplatin"),
}
_ANY = re.compile(
    "|".join(f"(?P<r{number}>(?<![a-z0-9-])(?:{name})(?![a-z0-9]))" for number, name in enumerate(REGIMENS))
)
_DRUGS = tuple(REGIMENS.values())


def regimens_in(folded: str) -> tuple[tuple[int, tuple[str, ...]], ...]:
    """Where a folded text names a regimen, and the ingredients of it."""
    return tuple((match.start(), _DRUGS[int((match.lastgroup or "r0")[1:])]) for match in _ANY.finditer(folded))
