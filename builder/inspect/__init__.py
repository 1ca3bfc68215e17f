"""What a container handed out, checked before anything relies on it."""
