"""Adapters of the Index port: where releases are listed and fetched from."""
