"""The command line: parse, call one workflow, render, map to an exit status."""
