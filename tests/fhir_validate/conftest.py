import os
from pathlib import Path

import pytest

from prior_auth.fhir import json

EXAMPLES = Path(__file__).parent / "examples"


@pytest.fixture
def example():
    """A committed example by name, fresh each time."""
    return lambda name: json.read((EXAMPLES / f"{name}.json").read_bytes())


@pytest.fixture(scope="session")
def packages() -> Path:
    """The folder of FHIR packages; tests that need it are skipped where there is none."""
    shared = Path(os.environ.get("PRIOR_AUTH_SHARED", Path(__file__).parents[3] / "shared"))
    if not (shared / "ig").is_dir():
        pytest.skip("needs the FHIR packages of the reference notes (PRIOR_AUTH_SHARED)")
    return shared / "ig"
