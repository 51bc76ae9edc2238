"""How a request reaches a payer."""
