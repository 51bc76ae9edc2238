"""FHIRPath behind one door: `compile(text)` gives an evaluator of a resource's values and their element paths."""

from prior_auth.paths.door import ENGINES, LIBRARY, OWN, Evaluator, Found, Resolve, compile
from prior_auth.paths.problem import PathError, Unsupported

__all__ = ["ENGINES", "LIBRARY", "OWN", "Evaluator", "Found", "PathError", "Resolve", "Unsupported", "compile"]
