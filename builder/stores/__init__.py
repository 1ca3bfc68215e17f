"""Adapters of the Store port: content-addressed files and what each build key led to."""
