"""Synthetic patients and requests told by story; demo, tests and bench read the same ones."""

from prior_auth.stories.story import Story, load, names

__all__ = ["Story", "load", "names"]
