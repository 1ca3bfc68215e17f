"""Adapters of the Engine port: Podman and Docker."""
