"""YAML that remembers its lines, so that an error in a rule file can name them; a key that comes twice is an error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from prior_auth.errors import RuleError


class Lines(dict[Any, Any]):
    """A mapping of a YAML file. `lines` holds the line of each key."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[Any, int] = {}


# PyYAML is built with libyaml on common platforms; nine times as fast, and the same values and lines.
_Safe: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Safe):  # type: ignore[misc]
    file = ""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> Any:
    found = Lines()
    yield found
    loader.flatten_mapping(node)
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        line = key_node.start_mark.line + 1
        if key in found.lines:
            raise RuleError(f"the key {key} comes twice", where=f"{loader.file}:{line}", fix="keep one of them")
        found[key] = loader.construct_object(value_node, deep=True)
        found.lines[key] = line


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def read_yaml(text: str, *, file: str) -> Any:
    """The content of a rule file, mappings as `Lines`. RuleError with `file:line` where it is no YAML."""
    loader = _Loader(text)
    loader.file = file
    try:
        return loader.get_single_data()
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        where = f"{file}:{mark.line + 1}" if mark else file
        raise RuleError(f"this is no YAML: {problem.problem or problem.context}", where=where) from None
    except yaml.YAMLError:
        raise RuleError("this is no YAML", where=file) from None
    finally:
        loader.dispose()


def line_of(content: Any, path: Sequence[str | int]) -> int | None:
    """The line of the deepest part of a path that the file has."""
    line = None
    for step in path:
        if isinstance(content, Lines):
            key = next((key for key in content if str(key) == str(step)), None)
            if key is None:
                break
            line, content = content.lines[key], content[key]
        elif isinstance(content, list) and isinstance(step, int) and step < len(content):
            content = content[step]
        else:
            break
    return line
