"""Prior authorization for cancer care: evidence from any chart, payer rules in CQL, Da Vinci PAS, durable workflows."""

__version__ = "0.1.0"
