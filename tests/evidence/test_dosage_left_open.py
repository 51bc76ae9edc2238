"""Doses that a text leaves open are not read."""

import pytest

from prior_auth.evidence.dosage import dosages


@pytest.mark.parametrize(
    "text", ["not to exceed 400 mg", "max 400 mg per dose", "hold 200 mg dose", "100-200 mg daily", "100 to 200 mg"]
)
def test_a_ceiling_a_range_or_a_pause_is_no_dose(text):
    assert all("doseAndRate" not in each for each in dosages([{"text": text}]))


def test_a_limit_of_time_is_no_ceiling_of_the_dose():
    (found,) = dosages([{"text": "200 mg IV every 3 weeks, up to 24 months"}])
    assert found["doseAndRate"][0]["doseQuantity"]["value"] == 200
