"""Functions on texts. Patterns are bounded (`paths.patterns`), and no text grows without end."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections.abc import Callable, Mapping

from prior_auth.paths import patterns
from prior_auth.paths.own.function import Apply, Function, on_text, text_of, whole_number
from prior_auth.paths.own.nodes import MAX_TEXT, Nodes, Surroundings, system
from prior_auth.paths.problem import PathError


def _sized(length: int) -> None:
    if length > MAX_TEXT:
        raise PathError(f"a text of more than {MAX_TEXT} characters")


def _substring(_around: Surroundings, nodes: Nodes, arguments: list[Nodes]) -> Nodes:
    text, start = text_of(nodes), whole_number(arguments[0])
    if text is None or start is None or not 0 <= start < len(text):
        return []
    length = whole_number(arguments[1]) if len(arguments) > 1 else None
    return [system(text[start:] if length is None else text[start : start + max(length, 0)])]


def _replace(text: str, part: str, put: str) -> str:
    _sized(len(text) + (text.count(part) if part else len(text) + 1) * len(put))
    return text.replace(part, put)


def _join(_around: Surroundings, nodes: Nodes, arguments: list[Nodes]) -> Nodes:
    parts = [part for one in nodes if (part := text_of([one])) is not None]
    between = (text_of(arguments[0]) or "") if arguments else ""
    _sized(sum(map(len, parts)) + len(between) * len(parts))
    return [system(between.join(parts))] if parts else []


def _split(around: Surroundings, nodes: Nodes, arguments: list[Nodes]) -> Nodes:
    text, between = text_of(nodes), text_of(arguments[0])
    if text is None or between is None:
        return []
    parts = text.split(between) if between else [text]
    around.step(len(parts))
    return [system(part) for part in parts]


def _to_chars(around: Surroundings, nodes: Nodes, _arguments: list[Nodes]) -> Nodes:
    text = text_of(nodes) or ""
    around.step(len(text))
    return [system(character) for character in text]


# Patterns

_Read = Callable[[str], patterns.Pattern]


def _matching(ask: Callable[[patterns.Pattern, str], bool]) -> Function:
    def by(read: _Read) -> Apply:
        return on_text(lambda text, wanted: ask(read(wanted), text), 1, to_a_step=16).apply

    return Function(by(patterns.pattern), 1, 1, by(patterns.published))


def _replacing(read: _Read) -> Apply:
    return on_text(
        lambda text, wanted, put: _substituted(read(wanted), text, put) if wanted else text, 2, to_a_step=16
    ).apply


_GROUP = re.compile(r"\\([\\$])|\$(\d)|(\\)")


def _substituted(pattern: patterns.Pattern, text: str, put: str) -> str:
    """`$1` in `put` means what the first group of the match holds."""
    _sized((len(text) + 1) * (len(put) + 1))

    def filled(match: re.Match[str]) -> str:
        def part(found: re.Match[str]) -> str:
            if not found[2]:
                return found[1] or found[3]
            try:
                return match[int(found[2])] or ""
            except IndexError:
                raise PathError("the replacement names a group that the pattern lacks") from None

        return _GROUP.sub(part, put)

    return pattern.replaced(text, filled)


# Codings of text


def _encoded(text: str, form: str) -> str | None:
    data = text.encode()
    match form:
        case "hex":
            return data.hex()
        case "base64":
            return base64.b64encode(data).decode()
        case "urlbase64":
            return base64.urlsafe_b64encode(data).decode()
    return None


def _decoded(text: str, form: str) -> str | None:
    try:
        match form:
            case "hex":
                return bytes.fromhex(text).decode()
            case "base64":
                return base64.b64decode(text, validate=True).decode()
            case "urlbase64":
                return base64.b64decode(text, altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        raise PathError(f"decode() of what is no {form}") from None
    return None


def _escaped(text: str, form: str) -> str | None:
    return (
        html.escape(text) if form == "html" else json.dumps(text, ensure_ascii=False)[1:-1] if form == "json" else None
    )


def _unescaped(text: str, form: str) -> str | None:
    if form == "html":
        return html.unescape(text)
    if form != "json":
        return None
    try:
        return str(json.loads(f'"{_BARE_QUOTE.sub(_quoted, text)}"', strict=False))
    except ValueError:
        raise PathError("unescape() of what is no JSON text") from None


_BARE_QUOTE = re.compile(r'\\.|"', re.DOTALL)


def _quoted(match: re.Match[str]) -> str:
    return match[0] if match[0] != '"' else '\\"'


FUNCTIONS: Mapping[str, Function] = {
    "length": on_text(len),
    "lower": on_text(str.lower),
    "upper": on_text(str.upper),
    "trim": on_text(str.strip),
    "startsWith": on_text(str.startswith, 1),
    "endsWith": on_text(str.endswith, 1),
    "contains": on_text(lambda text, part: part in text, 1),
    "indexOf": on_text(str.find, 1),
    "lastIndexOf": on_text(str.rfind, 1),
    "substring": Function(_substring, 1, 2),
    "replace": on_text(_replace, 2),
    "join": Function(_join, 0, 1),
    "split": Function(_split, 1, 1),
    "toChars": Function(_to_chars),
    "matches": _matching(patterns.Pattern.is_in),
    "matchesFull": _matching(patterns.Pattern.is_all),
    "replaceMatches": Function(_replacing(patterns.pattern), 2, 2, _replacing(patterns.published)),
    "encode": on_text(_encoded, 1),
    "decode": on_text(_decoded, 1),
    "escape": on_text(_escaped, 1),
    "unescape": on_text(_unescaped, 1),
}
