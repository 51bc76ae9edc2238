"""FHIR packages of a folder, beside the shipped ones: a guide of one's own, or another version of a shipped guide."""

from __future__ import annotations

from pathlib import Path

from prior_auth.errors import BadInput
from prior_auth.r4 import tables
from prior_auth.r4.build import package, read_package, terminology
from prior_auth.r4.expansion import Expander


def load(folder: Path) -> tuple[str, ...]:
    """Add every `<name>-<version>.tgz` of a folder, by name; says which. To be called once, before anything is judged.

    A package may lean on those before it and on the shipped ones. Raises BadInput, with the file, for what is no FHIR
    package, or has profiles without snapshot.
    """
    files = sorted(folder.glob("*.tgz"))
    if not files:
        raise BadInput("no FHIR packages (*.tgz) here", where=str(folder), fix="name the folder that holds them")
    for file in files:
        _add(file)
    return tuple(file.stem for file in files)


def _add(file: Path) -> None:
    resources = list(read_package(file.parent, file.stem))
    try:
        made = package(file.stem, resources)
    except StopIteration:
        raise BadInput("the file name has no version", where=str(file), fix="call it <name>-<version>.tgz") from None
    except KeyError as problem:
        message = f"a profile without {problem.args[0]}"
        raise BadInput(message, where=str(file), fix="use the published package, which has snapshots") from None
    tables.add(made, terminology(made.structures, Expander(resources, beside=tables)))
