"""SMART Backend Services (SMART App Launch 2.2, client_credentials with a signed assertion), both sides of it."""
