"""The nouns of prior authorization and what they may do. Standard library only."""
