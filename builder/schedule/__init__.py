"""What can run now, and what waits for what."""
