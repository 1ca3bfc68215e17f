"""How a project is called in the names of files, folders and plugins."""

from packaging.utils import NormalizedName, canonicalize_name


def override_name(project: str) -> str:
    """A project's name with `_` between its words, such as `pytest_asyncio`."""
    return canonicalize_name(project).replace("-", "_")


def project_of(stem: str) -> NormalizedName:
    """The project that the stem of a file's name is meant for."""
    return canonicalize_name(stem)
