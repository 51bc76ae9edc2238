"""The demo as a newcomer runs it: four stories, two companies, nothing left running."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from prior_auth.fhir import json

pytestmark = pytest.mark.xdist_group("journeys")

_SECONDS = 300
_COMMAND = (sys.executable, "-m", "prior_auth")


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in tasks.read_text().split()] if tasks.exists() else []


def _opened(pid: int) -> set[str]:
    found = set()
    for handle in Path(f"/proc/{pid}/fd").glob("*"):
        try:
            found.add(str(handle.readlink()))
        except OSError:
            continue
    return found


def _side(pid: int) -> str | None:
    """`practice` or `payer`, from the command line of one of our services."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return None
    return next((word for word in words if word in ("practice", "payer")), None)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """One run of the demo, watched from outside: its output, and the files that each side had open."""
    data = tmp_path_factory.mktemp("demo") / "data"
    opened: dict[str, set[str]] = {"practice": set(), "payer": set()}
    with subprocess.Popen(
        [*_COMMAND, "demo", "--data", str(data), "--exit", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "NO_COLOR": "1"},
    ) as run:
        pids: set[int] = set()
        until = time.monotonic() + _SECONDS
        while run.poll() is None:
            assert time.monotonic() < until, "the demo takes too long"
            for pid in _children(run.pid):
                pids.add(pid)
                if side := _side(pid):
                    try:
                        opened[side] |= _opened(pid)
                    except OSError:
                        continue
            time.sleep(0.2)
        assert run.stdout is not None
        assert run.stderr is not None
        output, progress = run.stdout.read(), run.stderr.read().decode()
    return {
        "code": run.returncode,
        "output": output,
        "progress": progress,
        "data": data,
        "opened": opened,
        "pids": pids,
    }


def test_every_story_ends_as_it_is_told(ran: dict[str, object]) -> None:
    assert ran["code"] == 0, ran["progress"]
    stories = json.read(ran["output"])["stories"]  # type: ignore[arg-type]
    assert {story["id"]: story["state"] for story in stories} == {
        "breast-her2-adjuvant": "certified",
        "nsclc-first-line-gap": "certified",
        "breast-her2-gap": "certified",
        "breast-brca-vus": "not-certified",
    }
    assert all(set(story) == {"id", "state", "timeline", "policies"} for story in stories)
    keys = {"id", "version", "hash", "unverified"}
    assert all(set(policy) == keys for story in stories for policy in story["policies"])


def test_the_gap_was_answered_after_a_notification_and_the_denial_has_a_name(ran: dict[str, object]) -> None:
    stories = {story["id"]: story for story in json.read(ran["output"])["stories"]}  # type: ignore[arg-type]
    gap = [entry["what"] for entry in stories["breast-her2-gap"]["timeline"]]
    told = [what for what in gap if what in ("sent-request", "sent-attachment", "notified", "determined")]
    # The payer's notification can overtake the reply to the attachment that it answers (pas.md trap 32).
    assert (told[0], set(told[1:-1]), told[-1]) == ("sent-request", {"sent-attachment", "notified"}, "determined")
    missing = [entry["what"] for entry in stories["nsclc-first-line-gap"]["timeline"]]
    assert missing.index("evidence-added") < missing.index("sent-request")


def test_nothing_is_left_running(ran: dict[str, object]) -> None:
    pids: set[int] = ran["pids"]  # type: ignore[assignment]
    assert len(pids) >= 5
    assert [pid for pid in pids if _side(pid)] == []


def test_practice_and_payer_never_open_each_others_files(ran: dict[str, object]) -> None:
    opened: dict[str, set[str]] = ran["opened"]  # type: ignore[assignment]
    data = ran["data"]
    for side, other in (("practice", "payer"), ("payer", "practice")):
        assert any(name.startswith(f"{data}/{side}/") for name in opened[side])
        assert not [name for name in opened[side] if name.startswith(f"{data}/{other}/")]


def test_both_stores_agree_after_it(ran: dict[str, object]) -> None:
    audit = subprocess.run(
        [*_COMMAND, "audit-stores", "--data", str(ran["data"]), "--json"], capture_output=True, timeout=120, check=False
    )
    assert audit.returncode == 0, audit.stdout
    found = json.read(audit.stdout)
    assert (found["findings"], found["on_the_way"]) == ([], [])
    assert (found["cases"], found["authorizations"]) == (4, 4)


def test_no_patient_name_is_in_any_log_or_in_the_workflow_histories(ran: dict[str, object]) -> None:
    data: Path = ran["data"]  # type: ignore[assignment]
    names = [b"Achterberg", b"Tanaka", b"Whitfield", b"EXM1008", b"EXM1004", b"EXM1007"]
    for file in data.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert not [name for name in names if name in content], file
