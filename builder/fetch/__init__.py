"""Source archives, from the index to a checked file."""
