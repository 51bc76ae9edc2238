"""Synthetic patients and requests told by story; demo, tests and bench read the same ones."""
