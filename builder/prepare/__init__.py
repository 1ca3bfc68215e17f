"""From a source archive to a prepared source tree, as data."""
