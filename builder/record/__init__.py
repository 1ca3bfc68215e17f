"""The graph, the build order and the constraints, as files."""
