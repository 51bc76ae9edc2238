"""The FHIR R4 definitions as compact tables: what CQL's types, path navigation and validation all read."""
