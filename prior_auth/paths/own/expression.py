"""A compiled expression, asked of a resource or a part of one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from prior_auth.paths.own.compiled import compiled
from prior_auth.paths.own.nodes import Nodes, Step, Surroundings
from prior_auth.paths.own.syntax import Tree, parse
from prior_auth.paths.own.values import truth
from prior_auth.paths.problem import PathError

MAX_INVARIANT = 20_000


@dataclass(frozen=True, slots=True)
class Expression:
    """Thread safe: what is shared is never written, each evaluation has its own surroundings."""

    text: str
    _step: Step

    def nodes(self, around: Surroundings) -> Nodes:
        """The collection for `around.context`. PathError where the expression does not fit the data."""
        try:
            return self._step(around, [around.context])
        except RecursionError:
            raise PathError("the evaluation went too deep") from None
        except (TypeError, ValueError, KeyError, AttributeError, ArithmeticError) as problem:
            # Malformed data under a well-formed expression: named by kind, as the text could quote the data.
            raise PathError(f"the expression does not fit the data ({type(problem).__name__})") from None

    def holds(self, around: Surroundings) -> bool:
        """Whether an invariant holds: empty is no objection. Raises PathError."""
        return truth(self.nodes(around)) is not False


def from_tree(text: str, tree: Tree, *, guides: bool = False) -> Expression:
    """Raises PathError."""
    try:
        return Expression(text, compiled(tree, guides=guides))
    except RecursionError:
        raise PathError("a FHIRPath expression nested too deeply") from None


@lru_cache(maxsize=4096)
def invariant(text: str) -> Expression:
    """An invariant of a published definition, in the looser way these are written. Raises PathError."""
    return from_tree(text, parse(text, MAX_INVARIANT), guides=True)
