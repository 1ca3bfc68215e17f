"""Use cases: the only rooms that hand one stage's result to the next."""
