"""What plugins are written against: what they may decide, what they hear of, and the values.

Everything here is public and keeps its meaning. `docs/how-to/write-a-plugin.md` shows it in use.
"""
