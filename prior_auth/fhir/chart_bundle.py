"""A Bundle as a chart: its resources with references that mean the same once the Bundle around them is gone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prior_auth.errors import BadInput
from prior_auth.fhir.bundle import Entry, Index, Resource
from prior_auth.fhir.order_groups import with_group_orders

# A history has every version of a thing; responses say what became of a write. Neither is a chart.
_NO_CHART = {
    "history": "export the current resources as a collection or searchset",
    "transaction-response": "send the Bundle that was written, not the answer to it",
    "batch-response": "send the Bundles inside it one by one",
}


def chart_resources(bundle: Mapping[str, Any]) -> list[Resource]:
    """The resources of a chart's Bundle (collection, searchset, transaction, batch, document, message), in its order.

    References that lead to an entry by its fullUrl (`urn:uuid:…`, absolute) become `Type/id`; a resource without id
    takes it from its fullUrl. Orders that a RequestGroup or CarePlan holds stand as resources of their own
    (`order_groups`). All else stays as it came; a server's remarks on a search (`search.mode` outcome) are no part of
    the chart. Raises BadInput where it is no such Bundle, or holds nothing.
    """
    if bundle.get("resourceType") != "Bundle":
        raise BadInput(
            f"{_said(bundle.get('resourceType'))} is not a Bundle",
            where="resourceType",
            fix="put the chart's resources into a Bundle of type collection",
        )
    kind = bundle.get("type")
    if isinstance(kind, str) and kind in _NO_CHART:
        raise BadInput(f"a Bundle of type {kind} is not a chart", where="Bundle.type", fix=_NO_CHART[kind])
    _refuse_a_page(bundle)
    index = Index(bundle)
    ids = {id(entry): _id(entry) for entry in index.entries}
    remarks = _remarks(bundle)
    held = [_local(entry, index, ids) for entry in index.entries if entry.path not in remarks]
    if not held:
        raise BadInput("a Bundle without resources", where="Bundle.entry", fix="send the chart's resources")
    return with_group_orders(held)


def _refuse_a_page(bundle: Mapping[str, Any]) -> None:
    """One page of a search or of `$everything` is not the chart: what it lacks would look like health."""
    links = bundle.get("link")
    named = {each.get("relation") for each in links if isinstance(each, Mapping)} if isinstance(links, list) else set()
    if "next" in named:
        raise BadInput(
            "one page of several is not the chart",
            where="Bundle.link",
            fix="fetch every page, and send the resources of all in one Bundle",
        )


def _said(kind: object) -> str:
    return kind if isinstance(kind, str) and kind.isalpha() else "this"


def _remarks(bundle: Mapping[str, Any]) -> set[str]:
    entries = bundle.get("entry")
    return {
        f"Bundle.entry[{number}].resource"
        for number, entry in enumerate(entries if isinstance(entries, list) else ())
        if isinstance(search := entry.get("search"), Mapping) and search.get("mode") == "outcome"
    }


def _id(entry: Entry) -> str | None:
    stated = entry.resource.get("id")
    if isinstance(stated, str) and stated:
        return stated
    return entry.full_url.replace(":", "/").rpartition("/")[2] if entry.full_url else None


def _local(entry: Entry, index: Index, ids: Mapping[int, str | None]) -> Resource:
    resource = dict(entry.resource)
    if not resource.get("id") and (named := ids[id(entry)]) is not None:
        resource = {"resourceType": resource["resourceType"], "id": named} | {
            key: value for key, value in resource.items() if key not in ("resourceType", "id")
        }

    def mended(value: Any) -> Any:
        if isinstance(value, dict):
            whole = {key: mended(part) for key, part in value.items()}
            if isinstance(value.get("reference"), str):
                whole["reference"] = _meant(value["reference"], entry, index, ids)
            return whole
        return [mended(part) for part in value] if isinstance(value, list) else value

    whole: Resource = mended(resource)
    return whole


def _meant(reference: str, entry: Entry, index: Index, ids: Mapping[int, str | None]) -> str:
    if reference.startswith("#"):
        return reference
    target = index.entry(reference, base=entry)
    identity = ids[id(target)] if target is not None else None
    if target is None or identity is None:
        return reference
    return f"{target.resource['resourceType']}/{identity}"
