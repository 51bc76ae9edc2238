"""The values of CQL and what they may do."""
