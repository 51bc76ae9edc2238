"""ChartSource made real: a Bundle file, a FHIR server, several of them as one."""
