"""CQL text to ELM-shaped nodes."""

from prior_auth.cql.syntax.library import parse_library

__all__ = ["parse_library"]
