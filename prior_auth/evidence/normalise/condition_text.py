"""Cancers that a problem's text names: `Breast cancer, left`, `NSCLC with bone mets`, `history of breast cancer`."""

from __future__ import annotations

import re

from prior_auth.evidence.normalise.reading import Unreadable
from prior_auth.evidence.normalise.text import doubtful, fold, negated, of_family

_CANCER = r"(?:cancer|carcinoma|adenocarcinoma|malignan\w+|malignant (?:neoplasm|tumou?r)|ca)"
_SITE_WORDS: tuple[tuple[str, str], ...] = (
    ("breast", r"breast|mammary"),
    ("lung", r"lung|bronch\w+|pulmonary"),
    ("prostate", r"prostate|prostatic"),
    ("colon", r"colon|colorectal|colonic"),
    ("rectum", r"rectum|rectal"),
    ("stomach", r"stomach|gastric|gastro-?o?esophageal junction|ge junction|gej|cardia"),
    ("esophagus", r"o?esophag\w+"),
    ("pancreas", r"pancrea\w+"),
    ("ovary", r"ovar(?:y|ian)"),
    ("cervix", r"cervix|cervical"),
    ("uterus", r"uter(?:us|ine)|endometri\w+"),
    ("kidney", r"kidney|renal(?: cell)?"),
    ("bladder", r"bladder|urothelial"),
    ("thyroid", r"thyroid"),
    ("liver", r"liver|hepatocellular"),
)
_NAMED: tuple[tuple[str, str], ...] = (
    (
        "nsclc",
        r"nsclc|(?:lung|pulmonary) (?:adeno-?carcinoma|squamous cell (?:carcinoma|cancer)|adenosquamous carcinoma)|"
        r"squamous cell lung (?:cancer|carcinoma)|(?:adeno-?carcinoma|squamous cell carcinoma),? (?:of )?lung|"
        r"(?:adeno-?carcinoma|squamous cell carcinoma|large[- ]cell carcinoma) of (?:the )?(?:\w+ ){0,5}lung",
    ),
    ("sclc", r"sclc|small[- ]?cell (?:lung )?(?:cancer|carcinoma)(?: of (?:the )?lung)?|oat[- ]cell carcinoma"),
    ("breast", r"(?:invasive|infiltrating) (?:ductal|lobular) (?:carcinoma|ca)|idc|ilc|tnbc"),
    ("melanoma", r"(?:malignant )?melanoma"),
    ("glioblastoma", r"glioblastoma(?: multiforme)?|gbm"),
    ("cll", r"cll|chronic lymphocytic leuka?emia"),
    ("aml", r"aml|acute myeloid leuka?emia"),
    ("all", r"acute lymphoblastic leuka?emia"),
    ("myeloma", r"multiple myeloma"),
    ("hodgkin", r"hodgkin'?s? (?:lymphoma|disease)"),
    ("lymphoma", r"nhl|(?<!hodgkin )(?<!hodgkins )(?<!hodgkin's )lymphoma"),
)
_SECONDARY_WORDS: tuple[tuple[str, str], ...] = (
    ("bone", r"bones?|osseous|skelet\w+|spine|vertebra\w*"),
    ("brain", r"brain|cerebral|cns"),
    ("liver", r"liver|hepatic"),
    ("lung", r"lungs?|pulmonary"),
    ("lymph-node", r"lymph nodes?|nodal|axilla\w*|mediastinal nodes?"),
)
_SPREAD_SITES = "|".join(words for _, words in _SECONDARY_WORDS)
_SPREAD = re.compile(
    r"\b(?:metastas[ei]s|metastatic(?: disease| cancer| carcinoma| adenocarcinoma)?|mets?|spread|"
    r"secondary(?: malignant neoplasm)?) (?:to|of|in|involving) (?:the )?"
    rf"(?P<after>(?:(?:{_SPREAD_SITES})(?:,? and |, ?| ?/ ?)?(?:the )?)+)|"
    rf"\b(?P<before>{_SPREAD_SITES}) (?:metastas[ei]s|mets?|metastatic (?:disease|lesions?))\b"
)
# "Metastatic prostate cancer to bone" is a prostate cancer metastatic to bone.
_METASTATIC_FIRST = re.compile(
    r"\bmetastatic ((?:[\w-]+ ){1,4}?(?:cancer|carcinoma|adenocarcinoma|melanoma|nsclc|sclc)) (?=(?:to|involving) )"
)
_HISTORY = re.compile(
    r"\b(?:personal history|past history|past medical history|history|hx|h/o|pmh) ?(?:of)?\b:? (?:\w+ ){0,3}$"
)
_HISTORY_AFTER = re.compile(r"[,(-] ?(?:history|hx|h/o)(?: of)?\)?$")
_NEAR = r"(?:(?!to\b|from\b|metasta|with\b|and\b)[\w+/-]+ ){0,6}?"
_NON_SMALL = re.compile(r"\bnon[- ]?small[- ]?cell (?:lung )?(?:cancer|carcinoma)|\bnon[- ]?small[- ]?cell\b")
_NON_HODGKIN = re.compile(r"\bnon[- ]?hodgkin'?s? lymphoma")
_HARMLESS = re.compile(r"\bno special type\b|\bnot otherwise specified\b")
_ANY = re.compile(
    rf"\b(?:{_CANCER}|{'|'.join(words for _, words in _NAMED)}|in situ|dcis|lcis|metasta\w+|mets?|fibroadenoma|"
    r"benign (?:\w+ ){0,3}(?:neoplasm|tumou?r)s?)\b"
)


def cancers_in(text: str) -> tuple[tuple[str | None, str], ...]:
    """(site, kind) of each cancer that a text names; nothing where it names none.

    Raises Unreadable where the text denies, doubts, or speaks of the family.
    """
    plain = _HARMLESS.sub(" ", _NON_HODGKIN.sub("nhl", _NON_SMALL.sub("nsclc", fold(text))))
    plain = _METASTATIC_FIRST.sub(r"\1 metastatic ", plain)
    if not _ANY.search(plain):
        return ()
    if of_family(plain) or doubtful(plain) or negated(_without_markers(plain)):
        raise Unreadable("the text denies, doubts or speaks of the family")
    return tuple(dict.fromkeys((*_primary(_SPREAD.sub(" ", plain)), *_spread(plain))))


def _without_markers(text: str) -> str:
    """`HER2 negative`, `node negative` deny a marker, not the cancer."""
    return re.sub(r"\bnegative for (?:her2|er|pr)\b", " ", text)


def _spread(text: str) -> list[tuple[str | None, str]]:
    found: list[tuple[str | None, str]] = []
    for match in _SPREAD.finditer(text):
        if _HISTORY.search(text[: match.start()]):
            continue
        words = match["after"] or match["before"]
        found += [(site, "secondary") for site, pattern in _SECONDARY_WORDS if re.search(rf"\b(?:{pattern})\b", words)]
    return found


def _primary(text: str) -> list[tuple[str | None, str]]:
    if re.search(r"\bin[- ]situ\b|\bdcis\b|\blcis\b", text):
        return [("breast" if re.search(r"breast|ductal|lobular|dcis|lcis", text) else None, "in-situ")]
    if re.search(r"\bbenign\b|\bfibroadenoma\b", text):
        return [(None, "benign")]
    match = _first(text)
    if match is None:
        return []
    site, place = match
    past = _HISTORY.search(text[:place]) or _HISTORY_AFTER.search(text)
    return [(site, "history" if past else "primary")]


def _first(text: str) -> tuple[str, int] | None:
    """The one primary site that is named, and where. Raises Unreadable at two."""
    found: dict[str, int] = {}
    for site, pattern in _NAMED:
        match = re.search(rf"\b(?:{pattern})\b", text)
        if match:
            found[site] = match.start()
    for site, words in _SITE_WORDS:
        match = re.search(rf"\b(?:{words})\b[ ,-]+{_NEAR}{_CANCER}\b", text) or re.search(
            rf"\b{_CANCER}\b(?:,? of|,| -)? (?:the )?{_NEAR}(?:{words})\b", text
        )
        if match:
            found.setdefault(site, match.start())
    if "lung" in found and found.keys() & {"nsclc", "sclc"}:
        del found["lung"]
    if len(found) > 1:
        raise Unreadable("the text names several cancers")
    return next(iter(found.items()), None)
