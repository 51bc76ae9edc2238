"""FHIRPath behind one door."""
