"""A rule that runs away makes its criterion unknown with the problem named, in time; what was found before stands."""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import replace
from pathlib import Path

from prior_auth import stories
from prior_auth.engine import JUDGING, Engine
from prior_auth.fhir.chart_bundle import chart_resources
from prior_auth.rulebook import Rulebook, rules_folder

ENDLESS = """define "Is Node Positive":
  exists ((expand Interval[1, 90000] per 1) A where exists ((expand Interval[1, 90000] per 1) B where A > B + 100000))

"""


def test_a_runaway_criterion_is_unknown_in_time_and_what_was_found_before_stands(tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    shutil.copytree(rules_folder(), folder)
    for topic in ("pembrolizumab", "olaparib"):
        shutil.rmtree(folder / "payers/example-health-plan" / topic)
    file = folder / "payers/example-health-plan/trastuzumab/policy.cql"
    text, count = re.subn(r'define "Is Node Positive":.*?(?=^define|^//)', ENDLESS, file.read_text(), flags=re.M | re.S)
    assert count == 1
    file.write_text(text)

    engine = Engine(Rulebook.load(folder), replace(JUDGING, steps=10**12, seconds=0.2))
    story = stories.load("breast-her2-adjuvant")
    started = time.thread_time()
    judgement = engine.judge(chart_resources(story.chart()), as_of=story.day)
    assert time.thread_time() - started < 5

    (item,) = judgement.assessment.items
    broken = [one for one in item.criteria if one.problem is not None]
    assert broken
    assert all("seconds of work" in str(one.problem) and one.outcome == "unknown" for one in broken)
    assert {one.id: one.outcome for one in item.criteria}["R09.C1"] == "met"
    assert item.recommendation != "approve"
