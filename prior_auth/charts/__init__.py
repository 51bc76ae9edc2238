"""ChartSource made real: a Bundle file, a FHIR server."""

from prior_auth.charts.bundle_file import BundleFile
from prior_auth.charts.fhir_server import FhirServer

__all__ = ["BundleFile", "FhirServer"]
