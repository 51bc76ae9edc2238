import importlib.util
import os
from pathlib import Path
from types import ModuleType

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


@pytest.fixture(scope="session")
def mutations() -> ModuleType:
    """The module beside this one, which the proof and the comparison use too."""
    spec = importlib.util.spec_from_file_location("mutations", Path(__file__).with_name("mutations.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
