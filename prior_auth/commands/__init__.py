"""The commands of `prior-auth`, a module for each subject; `prior_auth.cli` joins them."""
