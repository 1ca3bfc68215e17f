"""Whether a requirement that stands in a graph is content with a version."""

from functools import lru_cache

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import Version

from builder.domain.graph import Dependency


@lru_cache(maxsize=1 << 16)
def as_requirement(text: str) -> Requirement | None:
    """The requirement that the text is, or None."""
    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


def accepts(edge: Dependency, version: Version) -> bool:
    """Whether the edge could lead to this version of its child.

    What names a URL, or cannot be read, is content with the version that it led to and no other.
    A pre-release was chosen on purpose, and counts as any other version.
    """
    requirement = as_requirement(edge.requirement)
    if requirement is None or requirement.url is not None:
        return version == edge.child.version
    return requirement.specifier.contains(version, prereleases=True)
