"""A new policy to fill in: it loads and lints clean, and is in force for nobody until its first day is set."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from string import Template

from prior_auth.errors import BadInput
from prior_auth.policy.model import Payer
from prior_auth.rulebook import Rulebook

FILES = ("policy.yaml", "policy.cql", "tests.yaml")


def write_policy(root: Path, payer: str, topic: str, rulebook: Rulebook) -> Sequence[Path]:
    """Write the three files into `payers/<payer>/<topic>`. BadInput where there is no such payer, or a policy already.

    `payer` is the payer's folder or id.
    """
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", topic):
        raise BadInput(f"`{topic}` is no topic", fix="write small letters, digits and hyphens, such as rituximab")
    found = _payer(payer, rulebook)
    folder = root / Path(found.file).parent.relative_to("rules") / topic
    if folder.exists():
        raise BadInput("there is a policy already", where=str(folder), fix="choose another topic, or edit that one")
    texts = _texts(found, topic, _free_id(rulebook))
    folder.mkdir()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


def _payer(named: str, rulebook: Rulebook) -> Payer:
    known = {Path(one.file).parent.name: one for one in rulebook.payers.values()} | dict(rulebook.payers)
    if named not in known:
        raise BadInput(f"no payer {named}", fix=f"one of {', '.join(known)}; a new payer begins with its payer.yaml")
    return known[named]


def _free_id(rulebook: Rulebook) -> str:
    """The first id of the form Rnn after all that are taken."""
    taken = [int(one.policy.id[1:]) for one in rulebook.rules if re.fullmatch(r"R\d{2}", one.policy.id)]
    return f"R{max(taken, default=0) + 1:02}"


def _texts(payer: Payer, topic: str, id: str) -> dict[str, str]:
    given = {
        "id": id,
        "topic": topic,
        "payer": payer.name,
        "pa": ", ".join(f"{plan}: true" for plan in payer.plans),
        "benefit": ", ".join(f"{plan}: pas" for plan in payer.plans),
    }
    folder = resources.files("prior_auth.rule_tools") / "skeleton"
    return {name: Template((folder / name).read_text("utf-8")).substitute(given) for name in FILES}
