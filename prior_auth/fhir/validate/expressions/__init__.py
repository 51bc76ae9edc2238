"""FHIRPath for invariants: compiled to closures once, asked of thousands of elements.

It knows R4's types and says `Unsupported` of anything it does not know; `prior_auth.paths` is asked then.
"""

from prior_auth.fhir.validate.expressions.compiled import Expression, compile
from prior_auth.fhir.validate.expressions.nodes import ExpressionError, Surroundings, Unsupported

__all__ = ["Expression", "ExpressionError", "Surroundings", "Unsupported", "compile"]
