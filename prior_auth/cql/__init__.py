"""Clinical Quality Language: text in, values with their provenance out; knows nothing of prior authorization."""

from prior_auth.cql.data import DataSource, Resources
from prior_auth.cql.engine import Libraries, Library, Results, compile_elm, compile_library
from prior_auth.cql.errors import At, BudgetExceeded, CqlError, EvaluationError, MissingParameter
from prior_auth.cql.runtime import Budget, Definition, Result, Retrieve

__all__ = [
    "At", "Budget", "BudgetExceeded", "CqlError", "DataSource", "Definition", "EvaluationError", "Libraries", "Library",
    "MissingParameter", "Resources", "Result", "Results", "Retrieve", "compile_elm",
    "compile_library",
]  # fmt: skip
