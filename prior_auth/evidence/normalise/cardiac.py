"""Left ventricular ejection fraction, in percent: quantity, fraction, range (its low end), text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from prior_auth.evidence.normalise.codes import refuse_absent, statements
from prior_auth.evidence.normalise.reading import Normaliser, Reading, Unreadable
from prior_auth.evidence.normalise.text import COMPARATOR, NUMBER, Lexicon, comparator
from prior_auth.evidence.normalise.units import LVEF, Measure, in_window, quantity

_WORDS = Lexicon(
    (
        ("noise", r"\((?:normal|reference|ref\.?)(?: range)?\s?[^()]*\d[^()]*\)"),
        (
            "value",
            rf"(?P<comparator>{COMPARATOR})?\s*(?P<number>{NUMBER})\s*(?P<percent1>%|percent)?"
            rf"(?:\s?(?:-|to)\s?(?P<high>{NUMBER}))?\s*(?P<percent>%|percent)?",
        ),
        (
            "noise",
            r"left ventricular|left ventricle|lv|lvef|ejection fraction|ef|systolic function|function|by|"
            r"echo(?:cardiogra(?:m|phy))?|"
            r"tte|transthoracic|muga|mra?i|cmr|2d|biplane|simpson'?s?|method|visual(?:ly)?|estimated?|"
            r"calculated|measured|"
            r"approximately|approx\.?|about|around|~|is|was|at|of|to be|the|in|range|normal|preserved|[,;.()-]",
        ),
    )
)


def _measure_in(text: str) -> Measure:
    tokens = _WORDS.read(text, "ejection fraction")
    if len(tokens) != 1:
        raise Unreadable("the text does not state one ejection fraction")
    groups = tokens[0].groups
    low = tokens[0].number()
    high = Decimal(groups["high"]) if groups["high"] else None
    if high is not None and (high < low or groups["comparator"]):
        raise Unreadable("a range whose ends do not fit")
    unit = "%" if groups["percent"] or groups["percent1"] else None
    return Measure(low, unit, comparator(groups["comparator"]), high)


def _percent(measure: Measure) -> Decimal:
    """A fraction is one only with unit 1 or none, and below 1: no ejection fraction is that few percent."""
    if measure.unit not in ("%", "1", None):
        raise Unreadable("an ejection fraction in neither percent nor fraction")
    scaled = measure.value * 100 if measure.unit != "%" and measure.value < 1 else measure.value
    return in_window(scaled, LVEF)


def lvef(_: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    refuse_absent(value)
    said = statements(value) if not isinstance(value, Mapping) or "value" not in value else ()
    measure = _measure_in(said[0]) if said else quantity(value)
    extra = {"high": measure.high} if measure.high is not None else {}
    return (Reading(_percent(measure), "%", text=next(iter(said), None), comparator=measure.comparator, extra=extra),)


CARDIAC_NORMALISERS: Mapping[str, Normaliser] = {"lvef": lvef}
