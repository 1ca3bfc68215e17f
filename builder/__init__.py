"""Rebuilds Python dependency trees from source, in containers without a network."""
