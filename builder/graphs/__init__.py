"""Questions about dependency graphs, answered from the graphs alone."""
