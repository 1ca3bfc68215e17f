"""The variables of a release's builds: those of every build, and those of its settings."""

from collections.abc import Mapping

from builder.build.task import job_variables, with_environment
from builder.domain.releases import Pin
from builder.overrides.reading import Overrides

Variables = tuple[tuple[str, str], ...]


def build_variables(
    overrides: Overrides, pin: Pin, usual: Variables, jobs: int, host: Mapping[str, str]
) -> Variables:
    """The usual variables with those of the settings in their place or beside them, sorted.

    Args:
        overrides: what is laid down.
        pin: the release.
        usual: what every build has.
        jobs: how many jobs the release's compilers are told to run.
        host: the variables of this host; settings say which of them may be read.

    Raises:
        InputError: a variable of the settings comes to nothing.
    """
    own = dict(usual)
    given = dict(overrides.variables(pin, {**dict(job_variables(jobs)), **own}, host))
    if "PATH" in given:
        given["PATH"] = with_environment(given["PATH"])
    return tuple(sorted({**own, **given}.items()))
