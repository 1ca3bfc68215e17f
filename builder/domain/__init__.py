"""Frozen facts that every other part speaks of."""
