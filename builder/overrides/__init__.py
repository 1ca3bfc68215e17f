"""Settings files and patches, read into plain values."""
