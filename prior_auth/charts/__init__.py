"""Where charts come from: a Bundle file, a FHIR server."""
