"""From a prepared source tree and an environment to a wheel."""
