"""The composition root: settings in, workflows out."""
