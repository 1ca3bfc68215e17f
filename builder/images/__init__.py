"""Base images: recipes, bootstrapping from Debian's packages, OCI layouts, locks."""
