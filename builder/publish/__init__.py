"""Wheels and sdists, put where users and later builds find them."""
