"""The practice's window on what is with the payer: ask about it, change it, cancel it, renew it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Form, Response, UploadFile
from fastapi.responses import RedirectResponse

from prior_auth import changes
from prior_auth.api import practice_changes, practice_renewal
from prior_auth.api.bodies import MIB
from prior_auth.api.practice_desk import Practice
from prior_auth.domain.case import Case, CaseStatus
from prior_auth.errors import BadInput
from prior_auth.fhir import json

_MAX_ORDER = 1 * MIB
_NO_CHANGE = (
    CaseStatus.NOT_CERTIFIED,
    CaseStatus.WITHDRAWN,
    CaseStatus.NOT_REQUIRED,
    CaseStatus.NOT_BY_PAS,
)


def add_pages(app: FastAPI, practice: Practice) -> None:
    @app.post("/cases/{case_id}/inquiry", include_in_schema=False)
    async def inquire(case_id: str) -> Response:
        await practice.inquire(case_id)
        return _see(case_id)

    @app.post("/cases/{case_id}/cancel", include_in_schema=False)
    async def cancel(case_id: str, order: Annotated[str, Form()] = "") -> Response:
        """Without an order, all of it."""
        await practice_changes.change(practice, case_id, {"cancel": [order] if order else True})
        return _see(case_id)

    @app.post("/cases/{case_id}/orders", include_in_schema=False)
    async def order(case_id: str, file: UploadFile) -> Response:
        """A revised order under the id it has, or one more."""
        if (file.size or 0) > _MAX_ORDER:
            raise BadInput(f"more than {_MAX_ORDER // MIB} MiB", where="file", fix="send one order")
        await practice_changes.change(practice, case_id, {"orders": [json.read(await file.read())]})
        return _see(case_id)

    @app.post("/cases/{case_id}/renewal", include_in_schema=False)
    async def renew(case_id: str, chart: UploadFile | None = None) -> Response:
        body = await chart.read() if chart is not None else b""
        return _see((await practice_renewal.renew(practice, case_id, body, [])).id)


async def words(practice: Practice, case: Case) -> dict[str, Any]:
    """What the page offers: nothing where the request takes no change."""
    wanted = await changes.wanted(practice.store, case.id)
    asked = (await practice.store.request(case.id)).get("orders", [])
    open_now = not (case.status in _NO_CHANGE or wanted.cancel_all)
    return {
        "orders": wanted.orders(asked) if open_now else [],
        "may_change": open_now,
        "may_ask": case.version > 0,
        "may_renew": case.status in (CaseStatus.CERTIFIED, CaseStatus.MODIFIED) and not wanted.cancel_all,
    }


def _see(case_id: str) -> Response:
    return RedirectResponse(f"/cases/{case_id}", 303)
