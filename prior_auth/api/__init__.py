"""The doors of both sides: FHIR, JSON and pages."""
