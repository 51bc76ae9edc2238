"""The rules of Da Vinci PAS 2.2.1 as judges: of any server, and of any client."""
