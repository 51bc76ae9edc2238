"""Narrative: XHTML of the simple kind (FHIR R4 narrative.html, txt-1 and txt-2)."""

from __future__ import annotations

import xml.parsers.expat
from typing import Any

_TAG_NAMES = """
a abbr acronym b big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4 h5 h6 hr i img li
ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt u ul var
"""
_ATTRIBUTE_NAMES = """
abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing cellvalign char charoff charset cite
class colspan compact coords dir frame headers height href hreflang hspace id lang longdesc name nowrap rel rev rowspan
rules scope shape span src start style summary tabindex title type valign value vspace width xml:lang xml:space xmlns
"""
_TAGS = frozenset(_TAG_NAMES.split())
_ATTRIBUTES = frozenset(_ATTRIBUTE_NAMES.split())


def problem(div: str) -> str | None:
    """What is wrong with a narrative's div, or None."""
    if "<!DOCTYPE" in div or "<!ENTITY" in div:
        return "a DOCTYPE or an entity definition"
    reader = _Reader()
    parser = xml.parsers.expat.ParserCreate()
    parser.UseForeignDTD(True)  # HTML's named entities (&nbsp;) are legal and need no definition here
    parser.SkippedEntityHandler = lambda *_: None
    parser.StartElementHandler = reader.start
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(div, True)
    except xml.parsers.expat.ExpatError as error:
        return f"not well-formed XHTML at line {error.lineno}, column {error.offset + 1}"
    return reader.problem()


class _Reader:
    def __init__(self) -> None:
        self.found: str | None = None
        self.root: str | None = None
        self.has_content = False

    def start(self, name: str, attributes: dict[str, Any]) -> None:
        if self.root is None:
            self.root = name
            if attributes.get("xmlns") != "http://www.w3.org/1999/xhtml":
                self.found = self.found or "the div is not in the XHTML namespace"
        if name not in _TAGS:
            self.found = self.found or f"the element {name} is not allowed"
        if attributes and not attributes.keys() <= _ATTRIBUTES:
            wrong = next(one for one in attributes if one not in _ATTRIBUTES)
            self.found = self.found or f"the attribute {wrong} is not allowed"
        if name == "img":
            self.has_content = True

    def text(self, characters: str) -> None:
        if not self.has_content and not characters.isspace():
            self.has_content = True

    def problem(self) -> str | None:
        if self.root != "div":
            return "the outermost element is not div"
        return self.found or (None if self.has_content else "no text and no image")
