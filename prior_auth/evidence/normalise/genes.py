"""Genes by HGNC id, in any of the forms charts use: `HGNC:1100`, `1100`, `BRCA1`, a display, an Entrez id."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.evidence.normalise.codes import HGNC, codings, statements
from prior_auth.evidence.normalise.reading import Normaliser, Reading, Unreadable
from prior_auth.evidence.normalise.text import doubtful, fold, negated

# HGNC ids: those of the mCODE and Genomics Reporting examples and of our notes, the rest from memory.
GENES: Mapping[str, int] = {
    "EGFR": 3236,
    "ALK": 427,
    "ROS1": 10261,
    "RET": 9967,
    "MET": 7029,
    "BRAF": 1097,
    "KRAS": 6407,
    "NRAS": 7989,
    "ERBB2": 3430,
    "NTRK1": 8031,
    "NTRK2": 8032,
    "NTRK3": 8033,
    "BRCA1": 1100,
    "BRCA2": 1101,
    "PALB2": 26144,
    "ATM": 795,
    "PIK3CA": 8975,
    "TP53": 11998,
    "CD274": 17635,
    "STK11": 11389,
    "CDH1": 1748,
    "PTEN": 9588,
    "CHEK2": 16627,
    "KIT": 6342,
    "BCR": 1014,
    "ABL1": 76,
    "ETV6": 3495,
    "RUNX1": 10471,
    "JAK2": 6192,
    "KDR": 6307,
    "ERBB4": 3432,
    "FLT3": 3765,
    "IDH1": 5382,
    "IDH2": 5383,
    "FGFR2": 3689,
    "FGFR3": 3690,
    "EML4": 1316,
    "CD74": 1697,
    "ESR1": 3467,
    "AKT1": 391,
    "NF1": 7765,
    "BARD1": 952,
    "BRIP1": 20473,
    "RAD51C": 9820,
    "RAD51D": 9823,
    "MLH1": 7127,
    "MSH2": 7325,
    "MSH6": 7329,
    "PMS2": 9122,
    "EPCAM": 11529,
    "CDKN2A": 1787,
    "CDKN2B": 1788,
    "BAP1": 950,
    "MTAP": 7413,
    "MYCN": 7559,
    "CDK12": 24224,
    "CHEK1": 1925,
    "FANCL": 20748,
    "RAD51B": 9822,
    "RAD54L": 9826,
}
_SYMBOL_OF_ID = {str(number): symbol for symbol, number in GENES.items()}
_ALIASES = {"HER2": "ERBB2", "HER-2": "ERBB2", "PD-L1": "CD274", "PDL1": "CD274", "C-MET": "MET", "C-KIT": "KIT"}
_SYMBOL = re.compile(r"[A-Z][A-Z0-9]{1,8}(?:orf\d+)?", re.IGNORECASE)
# In text; BRCA1/2 names both. ALK, MET, KIT and RET are also words or parts of words, so only whole ones count.
GENE_NAME = (
    r"brca\s?1\s?(?:/|and|&|or|,|\+)\s?(?:brca\s?)?2|brca\s?[12]|brca|"
    + "|".join(sorted((symbol.lower() for symbol in GENES if not symbol.startswith("BRCA")), key=len, reverse=True))
    + r"|her-?2"
)


def gene(symbol: str) -> Coding:
    """The canonical HGNC coding of a symbol of the table; KeyError on another."""
    return Coding(HGNC, f"HGNC:{GENES[symbol]}", symbol)


def symbols_in(name: str) -> tuple[str, ...]:
    """The symbols of a gene's name in text: `BRCA1/2` gives two, `BRCA` both, for it leaves open which."""
    folded = fold(name)
    if folded.startswith("brca"):
        numbers = re.findall(r"[12]", folded)
        return tuple(f"BRCA{number}" for number in numbers or ("1", "2"))
    upper = folded.upper()
    return (_ALIASES.get(upper, upper),)


def _known_symbol(display: str | None) -> str | None:
    if not display:
        return None
    upper = display.strip().upper()
    symbol = _ALIASES.get(upper, upper)
    return symbol if symbol in GENES else None


def _of_coding(coding: Coding) -> Coding | None:
    """The gene that one coding's code names, whatever its display says."""
    if coding.system == HGNC or coding.system.startswith(HGNC):
        number = re.fullmatch(r"(?:HGNC:)?(\d+)", coding.code, re.IGNORECASE)
        if number:
            symbol = _SYMBOL_OF_ID.get(number[1], coding.display)
            return Coding(HGNC, f"HGNC:{number[1]}", symbol)
    if _known_symbol(coding.code):
        return gene(_known_symbol(coding.code) or "")
    if coding.system != HGNC and _known_symbol(coding.display):
        return gene(_known_symbol(coding.display) or "")
    return coding if coding.display and _SYMBOL.fullmatch(coding.display) else None


def genes_of(concepts: Sequence[Any]) -> tuple[Coding, ...]:
    """Every gene that concepts name, once each; several codings of one gene are one.

    A code and a display that name different genes are no gene, unless all codes and all displays together name the
    same genes (the guide's own example swaps two displays).
    """
    pairs = [(coding, _of_coding(coding)) for concept in concepts for coding in codings(concept)]
    by_code = {found.display for _, found in pairs if found}
    by_display = {_known_symbol(coding.display) or (found.display if found else None) for coding, found in pairs}
    found_all: dict[str, Coding] = {}
    for coding, found in pairs:
        shown = _known_symbol(coding.display)
        if found and (by_code == by_display or shown is None or shown == found.display):
            found_all.setdefault(found.display or found.code, found)
    for concept in concepts:
        if not codings(concept):
            for symbol in _from_text(concept):
                found_all.setdefault(symbol, gene(symbol))
    return tuple(found_all.values())


def _from_text(concept: Any) -> tuple[str, ...]:
    """Symbols of a text that is a list of genes and nothing else."""
    said = statements(concept)
    if not said:
        return ()
    folded = fold(said[0])
    if negated(folded) or doubtful(folded):
        raise Unreadable("the text is no plain list of genes")
    names = re.findall(rf"(?<![a-z0-9])(?:{GENE_NAME})(?![a-z0-9])", folded)
    rest = re.sub(rf"(?<![a-z0-9])(?:{GENE_NAME})(?![a-z0-9])|and|genes?|[\s,;/&.:()+-]", "", folded)
    if rest:
        raise Unreadable("the text names genes that the table does not know")
    return tuple(dict.fromkeys(symbol for name in names for symbol in symbols_in(name)))


def genes(_: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    """One reading for each gene that a concept or a list in text names."""
    found = genes_of([value])
    if not found:
        raise Unreadable("no gene is named")
    return tuple(Reading(each.display or each.code, coded=each) for each in found)


GENE_NORMALISERS: Mapping[str, Normaliser] = {"genes": genes}
