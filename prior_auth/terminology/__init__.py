"""Value sets and code systems as frozen sets with a version; units."""
