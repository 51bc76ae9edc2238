"""`python -m prior_auth` is the command line."""

from prior_auth.cli import main

main()
