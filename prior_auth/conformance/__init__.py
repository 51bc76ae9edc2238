"""Suite runners, so that anyone can judge any engine or server."""
