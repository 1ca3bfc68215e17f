"""Which release answers each requirement."""
