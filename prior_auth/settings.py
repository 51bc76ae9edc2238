"""The only reader of the environment: every setting of either side, typed, with its default.

A setting is an environment variable `PRIOR_AUTH_<SIDE>_<NAME>`, such as `PRIOR_AUTH_PRACTICE_NPI`.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from prior_auth.domain.people import Person, Role
from prior_auth.errors import SettingsError


class Temporal(BaseSettings):
    """Where the workflow service is."""

    model_config = SettingsConfigDict(env_prefix="PRIOR_AUTH_TEMPORAL_", extra="ignore")

    address: str = "127.0.0.1:7233"
    retention_days: int = Field(30, ge=1)


class _Side(BaseSettings):
    data: Path = Path("data")
    host: str = "127.0.0.1"  # until people sign in, the windows listen on loopback only
    hosts: str = ""  # further names by which this window may be called, parted by commas
    tls_certificate: Path | None = None  # PEM, with its chain; then the window speaks https
    tls_key: Path | None = None
    tls_authorities: Path | None = None  # PEM: whom we believe when we call, in place of the public authorities
    database: str | None = None  # SQLAlchemy URL; default is a SQLite file in `data`
    key_file: Path | None = None
    person_name: str = ""  # until people sign in, who works at this window
    person_role: Role = Role.STAFF
    person_licence: str | None = None

    def called(self, *urls: str) -> list[str]:
        """Names that a request's Host may have: loopback's, those of our own `urls`, and `hosts`.

        A page of another site that points its name at this machine (DNS rebinding) has none of them.
        """
        ours = {urlsplit(url).hostname for url in urls} - {None}
        named = {name.strip() for name in self.hosts.split(",")} - {""}
        return sorted({"127.0.0.1", "localhost", *(str(one) for one in ours), *named})

    @property
    def person(self) -> Person:
        return Person(self.person_name or "not named in the settings", self.person_role, self.person_licence)


class Practice(_Side):
    """One practice: who it is on the wire, whether a person releases each request, where its payer's server is."""

    model_config = SettingsConfigDict(env_prefix="PRIOR_AUTH_PRACTICE_", extra="ignore")

    port: int = 8701
    organization: str = ""
    npi: str = ""
    tax_id: str = ""
    address_line: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    phone: str = ""
    place_of_service: str = ""
    sender_code: str = ""
    payer_url: str = "http://127.0.0.1:8702/fhir"
    payer_pas: Literal["2.2.1", "2.0.1"] = "2.2.1"  # the version of PAS that is spoken at `payer_url`
    plain_http: bool = False  # whether a payer on another machine may be called without TLS
    public_url: str = ""  # the root of every fullUrl we send; default is this host and port
    notification_url: str = ""  # where the payer reaches us; default is this host and port
    client_id: str = ""  # by what name the payer registered us; then we call with SMART tokens
    signing_key: Path | None = None  # private JWK; default is made in `data` at first start
    scope: str = "system/Claim.cruds system/Subscription.cruds"
    codes: Path | None = None  # a ConceptMap of the site's own codes, for every chart that comes in
    release: Literal["automatic", "person"] = "automatic"
    wait_for_evidence: timedelta = timedelta(days=14)  # how long an incomplete request waits before a person is asked
    heartbeat: timedelta = Field(timedelta(minutes=10), ge=timedelta(seconds=1))  # two missed: ask the payer
    renew_before: timedelta = Field(timedelta(days=30), ge=timedelta(0))  # the end of what was granted
    silence: timedelta = timedelta(days=8)  # no word from the payer and no known deadline: raise a task


class Payer(_Side):
    """One payer."""

    model_config = SettingsConfigDict(env_prefix="PRIOR_AUTH_PAYER_", extra="ignore")

    port: int = 8702
    payer_id: str = "EXPAYER01"
    authentication: Literal["required", "off"] = "required"  # off: the development mode, any caller is served
    clients_file: Path | None = None  # who may call; default is `clients.json` in `data`
    answer_within: timedelta = timedelta(seconds=10)  # the bounded wait of a synchronous answer; then it is pended
    reject_code: str = ""  # your own X12 code for a submission that you do not take
    reason_codes: dict[str, str] = {}  # our coded denial reasons to your own X12 codes, as a JSON object
    retention: timedelta = Field(timedelta(days=183), ge=timedelta(days=183))  # answered for, after the end of service
    public_url: str = ""  # our FHIR base as practices reach it; default is this host and port
    # A test rig: requests ask for their decisions. A JSON object from product codes to words; {} for the extension only
    scripted_decisions: dict[str, Literal["approve", "deny", "modify", "pend", "ask"]] | None = None

    @property
    def clients(self) -> Path:
        return self.clients_file or self.data / "clients.json"


class Charts(BaseSettings):
    """Who we are to FHIR servers that charts are read from."""

    model_config = SettingsConfigDict(env_prefix="PRIOR_AUTH_CHARTS_", extra="ignore")

    client_id: str = ""  # then a SMART token is asked for
    signing_key: Path = Path("charts-signing.jwk")
    scope: str = "system/*.rs"


class Rules(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="PRIOR_AUTH_", extra="ignore")

    rules: Path | None = None
    packages: Path | None = None  # FHIR packages (*.tgz) to judge by beside the shipped ones


Settings = TypeVar("Settings", bound=BaseSettings)


def read(kind: type[Settings]) -> Settings:
    """Read one group of settings. Raises SettingsError naming the variable, never its value."""
    try:
        return kind()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"{kind.model_config.get('env_prefix', '')}{'_'.join(map(str, first['loc']))}".upper()
        raise SettingsError(first["msg"], where=name, fix="correct or unset the variable") from None
