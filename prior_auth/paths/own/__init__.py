"""Our own FHIRPath: text to a tree, the tree to closures once, the closures asked of any number of resources."""
