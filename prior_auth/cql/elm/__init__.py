"""ELM, the compiled form of CQL, as JSON: read into the nodes that the parser of text makes, for the one evaluator."""

from prior_auth.cql.elm.library import read_elm

__all__ = ["read_elm"]
