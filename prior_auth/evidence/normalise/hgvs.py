"""Protein changes in one spelling (`p.Leu858Arg`), and what a change of EGFR means for EGFR inhibitors."""

from __future__ import annotations

import re
from collections.abc import Mapping

AMINO_ACIDS: Mapping[str, str] = {
    "A": "Ala",
    "R": "Arg",
    "N": "Asn",
    "D": "Asp",
    "C": "Cys",
    "Q": "Gln",
    "E": "Glu",
    "G": "Gly",
    "H": "His",
    "I": "Ile",
    "L": "Leu",
    "K": "Lys",
    "M": "Met",
    "F": "Phe",
    "P": "Pro",
    "S": "Ser",
    "T": "Thr",
    "W": "Trp",
    "Y": "Tyr",
    "V": "Val",
    "*": "Ter",
    "X": "Ter",
}
_THREE = {name.lower(): name for name in AMINO_ACIDS.values()}
_RESIDUE = "(?:" + "|".join(sorted({*_THREE}, key=len, reverse=True)) + r"|[arndcqeghilkmfpstwyv*x])"
_PROTEIN = re.compile(
    rf"(?:[a-z]{{2}}_\d+(?:\.\d+)?(?:\([a-z0-9]+\))?:)?(?:p\.)?\(?(?P<first>{_RESIDUE})(?P<start>\d+)"
    rf"(?:_(?P<last>{_RESIDUE})(?P<end>\d+))?(?P<change>delins|del|dup|ins|fs|ext)?(?P<rest>[a-z*]*\d*)\)?",
    re.IGNORECASE,
)


def protein(text: str) -> str | None:
    """Three letters, no brackets, no transcript: `p.(V600E)` is `p.Val600Glu`. None where it is no protein change."""
    match = _PROTEIN.fullmatch(re.sub(r"\s+", "", text))
    if match is None:
        return None
    if not match["change"] and not match["rest"]:
        return None
    if match["change"] == "del" and match["rest"]:
        return None
    rest = _rest(match["change"], match["rest"])
    if rest is None:
        return None
    head = f"p.{_three(match['first'])}{match['start']}"
    if match["last"]:
        head += f"_{_three(match['last'])}{match['end']}"
    return head + _lower(match["change"]) + rest


def _lower(change: str | None) -> str:
    return (change or "").lower()


def _three(residue: str) -> str:
    return AMINO_ACIDS.get(residue.upper()) or _THREE[residue.lower()]


def _rest(change: str | None, rest: str) -> str | None:
    """What follows the kind of change: residues, or a frame shift's new end."""
    if _lower(change) == "fs":
        end = re.fullmatch(r"(?:ter|\*|x)?(\d+)?", rest, re.IGNORECASE)
        return (f"Ter{end[1]}" if end[1] else "") if end else None
    if change is None:  # the residue before a frame shift: Ser1982ArgfsTer22
        shift = re.fullmatch(rf"({_RESIDUE})fs(?:ter|\*|x)?(\d+)?", rest, re.IGNORECASE)
        if shift:
            return f"{_three(shift[1])}fs" + (f"Ter{shift[2]}" if shift[2] else "")
        single = re.fullmatch(_RESIDUE, rest, re.IGNORECASE)
        return _three(rest) if single else None
    return _sequence(rest)


def _sequence(rest: str) -> str | None:
    if not rest or rest.isdigit():
        return rest
    for one, letters in ((False, 3), (True, 1)):
        parts = [rest[place : place + letters] for place in range(0, len(rest), letters)]
        known = all((part.upper() in AMINO_ACIDS) if one else (part.lower() in _THREE) for part in parts)
        if known:
            return "".join(_three(part) for part in parts)
    return None


# Changes of the coding sequence that charts give alone (MANE transcript NM_005228); from general knowledge.
_EGFR_CODING: Mapping[str, str] = {
    "c.2573T>G": "p.Leu858Arg",
    "c.2573_2574delinsGT": "p.Leu858Arg",
    "c.2369C>T": "p.Thr790Met",
    "c.2235_2249del": "p.Glu746_Ala750del",
    "c.2236_2250del": "p.Glu746_Ala750del",
    "c.2582T>A": "p.Leu861Gln",
    "c.2303G>T": "p.Ser768Ile",
}
_EGFR_POINTS: Mapping[str, str] = {
    "p.Leu858Arg": "L858R",
    "p.Thr790Met": "T790M",
    "p.Leu861Gln": "L861Q",
    "p.Ser768Ile": "S768I",
    "p.Cys797Ser": "C797S",
}
SENSITIZING = frozenset({"L858R", "exon-19-deletion", "G719X", "L861Q", "S768I"})


def egfr_protein_of_coding(coding: str) -> str | None:
    """The protein change of a well-known change of EGFR's coding sequence (`NM_005228.5:c.2573T>G`)."""
    match = re.search(r"c\.[0-9_+*-]+(?:[ACGT]>[ACGT]|del(?:ins[ACGT]+)?)", coding)
    return _EGFR_CODING.get(match.group()) if match else None


def egfr_class(change: str) -> str:
    """`L858R`, `exon-19-deletion`, `exon-20-insertion`, `T790M`, `G719X` … or `other`, of a canonical protein change.

    Exon 19 deletions lie within codons 746 to 753 (R13); insertions and duplications of exon 20 in 762 to 823.
    """
    if change in _EGFR_POINTS:
        return _EGFR_POINTS[change]
    match = re.fullmatch(r"p\.[A-Z][a-z]{2}(\d+)(?:_[A-Z][a-z]{2}(\d+))?(delins|del|ins|dup)?(.*)", change)
    if match is None:
        return "other"
    start, kind = int(match[1]), match[3]
    end = int(match[2] or start)
    if kind in ("del", "delins") and start >= 746 and end <= 753:
        return "exon-19-deletion"
    if kind in ("ins", "dup") and start >= 761 and end <= 823:
        return "exon-20-insertion"
    return "G719X" if start == 719 and kind is None else "other"


def is_sensitizing(egfr: str | None) -> bool | None:
    """Does the class answer to EGFR inhibitors? None where that is not known."""
    if egfr in SENSITIZING:
        return True
    return False if egfr in ("exon-20-insertion", "T790M", "C797S") else None
