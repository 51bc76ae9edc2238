"""Policies, and what they say of evidence as of a day."""
