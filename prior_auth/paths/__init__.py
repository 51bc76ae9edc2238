"""FHIRPath behind one door: `compile(text)` gives an evaluator of a resource's values and their element paths."""

from prior_auth.paths.evaluator import Evaluator, Found, Resolve, compile
from prior_auth.paths.problem import PathError

__all__ = ["Evaluator", "Found", "PathError", "Resolve", "compile"]
