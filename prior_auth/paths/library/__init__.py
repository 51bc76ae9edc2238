"""fhirpathpy, hardened: the second engine, which ours is compared with."""
