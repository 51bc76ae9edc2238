"""ELM-shaped nodes to closures, with every name, type and operator worked out when the library loads."""
