"""Vital signs: R4 asks its own profile of every Observation that states one (observation-vitalsigns.html)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prior_auth.fhir.validate.membership import codes_in
from prior_auth.r4.definitions import HL7

_LOINC = "http://loinc.org"
# The code that R4 gives each vital sign, and older or finer ones that HL7's validator takes for the same.
_PROFILES = {
    "85353-1": "vitalspanel",
    "9279-1": "resprate",
    "8867-4": "heartrate",
    "2708-6": "oxygensat",
    "59408-5": "oxygensat",
    "8310-5": "bodytemp",
    "8302-2": "bodyheight",
    "9843-4": "headcircum",
    "8287-5": "headcircum",
    "29463-7": "bodyweight",
    "3141-9": "bodyweight",
    "39156-5": "bmi",
    "85354-9": "bp",
    "8480-6": "bp",
    "55284-4": "bp",
}


def profiles_of(observation: Mapping[str, Any]) -> Iterator[str]:
    """The R4 vital sign profiles that its code asks for, each once."""
    stated = {code for system, code in codes_in(observation.get("code")) if system == _LOINC and code is not None}
    yield from dict.fromkeys(HL7 + _PROFILES[code] for code in sorted(stated & _PROFILES.keys()))
