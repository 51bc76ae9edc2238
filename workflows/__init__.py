"""The story of a request at the practice and at the payer, told as Temporal workflows."""
