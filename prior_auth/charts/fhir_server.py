"""A chart on a FHIR R4 server: one paged search for each type of resource, then what those refer to.

`$everything` is not used: many servers lack it, and it brings more than a prior authorization may read.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

import httpx2

from prior_auth.charts.fhir_http import FhirHttp, Missing
from prior_auth.errors import BadInput, FatalTransportError
from prior_auth.fhir.bundle import references, type_and_id

log = logging.getLogger(__name__)

Resource = dict[str, Any]

# Every type that evidence, orders and coverage are looked for in; all have the search parameter `patient`.
SEARCHED = (
    "Condition",
    "Observation",
    "DiagnosticReport",
    "MedicationRequest",
    "MedicationAdministration",
    "MedicationStatement",
    "MedicationDispense",
    "Procedure",
    "ServiceRequest",
    "DeviceRequest",
    "RequestGroup",
    "AllergyIntolerance",
    "DocumentReference",
    "FamilyMemberHistory",
    "QuestionnaireResponse",
    "Consent",
    "Coverage",
)
# A server without these cannot show a chart; every US Core server has them.
REQUIRED = frozenset({"Condition", "Observation", "MedicationRequest", "Procedure"})
# Fetched where something refers to them: what explains a resource, and what its search did not find.
FOLLOWED = frozenset(
    (
        *SEARCHED,
        *("Medication", "Practitioner", "PractitionerRole", "Organization", "Specimen", "BodyStructure", "Location"),
        "CarePlan",
    )
)
PAGE = 200
AT_ONCE = 4
MAX_FOLLOWED = 2_000
_ROUNDS = 4

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


class FhirServer:
    """One patient's chart on a server.

    `client` carries what the server asks of callers (a token); without one, an own client is opened and closed for
    each reading. `not_offered` names, after a reading, the types that the server does not have.
    """

    def __init__(self, base_url: str, patient: str, *, client: httpx2.AsyncClient | None = None) -> None:
        self.base_url = base_url.rstrip("/")
        self.patient = patient.removeprefix("Patient/")
        if not _ID.fullmatch(self.patient):
            raise BadInput("not a FHIR id", where="patient", fix="name the patient by the id of its resource")
        self.not_offered: tuple[str, ...] = ()
        self._client = client

    async def resources(self) -> list[dict[str, Any]]:
        """The Patient first, then its resources by type, then what they refer to.

        Raises TemporaryTransportError or FatalTransportError.
        """
        async with AsyncExitStack() as stack:
            client = self._client
            if client is None:
                client = await stack.enter_async_context(httpx2.AsyncClient(timeout=30))
            return await self._read(FhirHttp(self.base_url, client))

    async def _read(self, http: FhirHttp) -> list[Resource]:
        held = _Held(await self._the_patient(http), self.base_url)
        limit = asyncio.Semaphore(AT_ONCE)

        async def found(kind: str) -> list[Resource] | None:
            async with limit:
                return await self._search(http, kind)

        offered = await http.offered()
        kinds = [kind for kind in SEARCHED if offered is None or kind in offered]
        async with _group() as group:
            searches = {kind: group.create_task(found(kind)) for kind in kinds}
        answers = {kind: search.result() for kind, search in searches.items()}
        self._note([kind for kind in SEARCHED if answers.get(kind) is None], http)
        for answer in answers.values():
            held.keep(answer or [])
        await self._follow(http, held)
        return held.resources

    def _note(self, missing: list[str], http: FhirHttp) -> None:
        """What is not offered is silence, and silence must not look like a chart that holds nothing."""
        for kind in missing:
            if kind in REQUIRED:
                raise FatalTransportError(
                    f"the server offers no search of {kind}", where=http.place(kind), fix="read the chart elsewhere"
                )
        self.not_offered = tuple(missing)
        if missing:
            log.warning("the FHIR server does not offer %s", ", ".join(missing))

    async def _the_patient(self, http: FhirHttp) -> Resource:
        try:
            patient = await http.read("Patient", self.patient)
        except Missing:
            raise FatalTransportError(
                "the server does not know this patient", where=http.place("Patient"), fix="check the patient's id"
            ) from None
        if patient.get("resourceType") != "Patient" or patient.get("id") != self.patient:
            raise FatalTransportError("the answer is another resource", where=http.place("Patient"))
        return patient

    async def _search(self, http: FhirHttp, kind: str) -> list[Resource] | None:
        """All of a type; None where the server does not offer it."""
        found: list[Resource] = []
        try:
            async for page in http.search(kind, {"patient": self.patient, "_count": str(PAGE)}):
                found += self._of_patient(page, kind, http)
        except Missing:
            return None
        return found

    def _of_patient(self, page: list[Resource], kind: str, http: FhirHttp) -> list[Resource]:
        """A server that passes over the parameter answers with everyone's; nothing of that is used."""
        for one in page:
            if one.get("resourceType") == kind and not is_of(one, self.patient, self.base_url):
                raise FatalTransportError(
                    "the server answered with another patient's resources",
                    where=http.place(kind),
                    fix="the server has to support the search parameter 'patient' for this type",
                )
        return page

    async def _follow(self, http: FhirHttp, held: _Held) -> None:
        limit = asyncio.Semaphore(AT_ONCE)

        async def fetched(kind: str, id: str) -> Resource | None:
            async with limit:
                try:
                    return await http.read(kind, id)
                except Missing:
                    return None

        for _ in range(_ROUNDS):
            wanted = held.wanted()
            if not wanted:
                return
            async with _group() as group:
                reads = [group.create_task(fetched(kind, id)) for kind, id in wanted]
            found = [read.result() for read in reads]
            held.keep([one for one in found if one is not None and is_of(one, self.patient, self.base_url)])


class _Held:
    """What has been read, each once, and the references still to be followed."""

    def __init__(self, patient: Resource, base_url: str) -> None:
        self.resources = [patient]
        self._base_url = base_url
        self._asked = {("Patient", str(patient["id"]))}
        self._keys = set(self._asked)

    def keep(self, found: list[Resource]) -> None:
        for one in found:
            key = (str(one["resourceType"]), str(one.get("id")))
            if key not in self._keys:
                self._keys.add(key)
                self.resources.append(one)

    def wanted(self) -> list[tuple[str, str]]:
        """References to followed types that are not here, each asked for once."""
        wanted = []
        for reference in references(self.resources):
            target = local(reference, self._base_url)
            if target and target[0] in FOLLOWED and target not in self._keys and target not in self._asked:
                self._asked.add(target)
                wanted.append(target)
        if len(self._asked) > MAX_FOLLOWED:
            raise FatalTransportError(
                f"the chart refers to more than {MAX_FOLLOWED} other resources", where=self._base_url
            )
        return wanted


def is_of(resource: Mapping[str, Any], patient: str, base_url: str) -> bool:
    """Whether a resource is about the patient; one that names no one is."""
    for element in ("subject", "patient", "beneficiary"):
        stated = resource.get(element)
        if isinstance(stated, Mapping) and isinstance(reference := stated.get("reference"), str):
            target = local(reference, base_url)
            return target is None or target[0] != "Patient" or target[1] == patient
    return True


def local(reference: str, base_url: str) -> tuple[str, str] | None:
    """Type and id of a reference to this server; None for one that leads elsewhere or nowhere."""
    target = type_and_id(reference)
    if target is None or ("://" in reference and not reference.startswith(f"{base_url}/")):
        return None
    return target


class _group(asyncio.TaskGroup):
    """A TaskGroup that raises the first error itself: callers know our errors, not groups of them."""

    async def __aexit__(self, *outcome: Any) -> None:
        try:
            await super().__aexit__(*outcome)
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None
