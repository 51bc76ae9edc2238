"""The deployed shape hangs together: what is named is there, windows are on loopback, two companies share nothing."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from prior_auth.settings import Payer, Practice, Temporal

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return found


def against_the_schema(compose: dict[str, Any]) -> list[str]:
    schema = json.loads((Path(__file__).parent / "compose-spec.json").read_text())
    judge = jsonschema.validators.validator_for(schema)(schema)
    return [error.message for error in judge.iter_errors(compose)]


def test_it_keeps_the_compose_schema_which_refuses_a_slip(compose: dict[str, Any]) -> None:
    assert against_the_schema(compose) == []
    slipped = copy.deepcopy(compose)
    slipped["services"]["practice"]["imagee"] = "x"
    assert len(against_the_schema(slipped)) == 1


def test_every_service_has_an_image_or_a_build_and_waits_for_services_that_exist(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert {"practice", "practice-worker", "payer", "payer-worker", "temporal", "temporal-ui"} <= set(services)
    for name, service in services.items():
        assert ("image" in service) != ("build" in service), name
        assert set(service.get("depends_on", {})) <= set(services), name


def test_every_named_volume_is_declared(compose: dict[str, Any]) -> None:
    used = {mount.partition(":")[0] for one in compose["services"].values() for mount in one.get("volumes", [])}
    assert used == set(compose["volumes"])


def test_every_port_is_on_the_hosts_loopback(compose: dict[str, Any]) -> None:
    ports = [port for one in compose["services"].values() for port in one.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_practice_and_payer_share_no_volume_and_no_database(compose: dict[str, Any]) -> None:
    def own(side: str) -> tuple[set[str], str]:
        services = [compose["services"][side], compose["services"][f"{side}-worker"]]
        volumes = {mount.partition(":")[0] for one in services for mount in one["volumes"]}
        return volumes, services[0]["environment"][f"PRIOR_AUTH_{side.upper()}_DATABASE"]

    practice, payer = own("practice"), own("payer")
    assert not practice[0] & payer[0]
    assert practice[1].rpartition("@")[2] != payer[1].rpartition("@")[2]


def test_every_setting_that_is_named_is_one_that_is_read(compose: dict[str, Any]) -> None:
    known = {
        f"{kind.model_config.get('env_prefix', '')}{field}".upper()
        for kind in (Practice, Payer, Temporal)
        for field in kind.model_fields
    }
    named = {
        name
        for one in compose["services"].values()
        for name in one.get("environment", {})
        if name.startswith("PRIOR_AUTH_")
    }
    assert named <= known
