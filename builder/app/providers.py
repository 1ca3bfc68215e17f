"""Projects whose releases something else than an index tells, as their settings say."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from packaging.utils import NormalizedName
from packaging.version import Version

from builder.app.settings import Settings
from builder.domain.releases import Candidate, Pin, ProjectPage, RemoteFile
from builder.fetch.naming import named_after
from builder.indexes.elsewhere import Elsewhere
from builder.indexes.forges import GithubProject, GitlabProject, tokens_of
from builder.indexes.tagged import Forge, release, releases_at_refs, releases_of_tags
from builder.indexes.told import ToldIndex
from builder.overrides.origins import releases_at, repository
from builder.overrides.reading import Overrides
from builder.overrides.source_schema import (
    ForgeTags,
    Git,
    GithubTagDownload,
    GithubTagGit,
    GitlabTagDownload,
    GitlabTagGit,
    Url,
    VersionmapGit,
)

Tell = Callable[[NormalizedName], ProjectPage]


def told_index(name: NormalizedName, settings: Settings, overrides: Overrides) -> ToldIndex | None:
    """The only index that is asked for a project; None where it is one like any other.

    Raises:
        InputError: what its settings name is nothing that can be asked.
    """
    if overrides.source(name) is None:
        return None
    elsewhere = Elsewhere(tokens_of(settings.variables))
    tell = _tell(name, settings, overrides, elsewhere)
    return None if tell is None else ToldIndex(tell, elsewhere)


def _tell(
    name: NormalizedName, settings: Settings, overrides: Overrides, elsewhere: Elsewhere
) -> Tell | None:
    reason = overrides.withheld(name)
    if reason is not None:
        return partial(ProjectPage, candidates=(), notes=(reason,))
    source = overrides.source(name)
    match source:
        case GithubTagGit() | GithubTagDownload() | GitlabTagGit() | GitlabTagDownload():
            forge = _forge(source, settings, elsewhere)
            return _tags(source, forge, dated=_is_dated(name, settings, overrides))
        case VersionmapGit(clone_url=url, versionmap=refs):
            states = {Version(version): ref for version, ref in refs.items()}
            return partial(releases_at_refs, clone_url=url, refs=states)
        case Git():
            return partial(_stated, source=source)
        case Url():
            return partial(_listed, source=source)
        case _:
            return None


def _forge(source: ForgeTags, settings: Settings, elsewhere: Elsewhere) -> Forge:
    match source:
        case GithubTagGit() | GithubTagDownload():
            return GithubProject(source.project_url, settings.variables, elsewhere)
        case GitlabTagGit() | GitlabTagDownload():
            return GitlabProject(source.project_url, elsewhere)


def _tags(source: ForgeTags, forge: Forge, *, dated: bool) -> Tell:
    by_git = isinstance(source, GithubTagGit | GitlabTagGit)
    return partial(
        releases_of_tags, forge=forge, matcher=source.matcher, by_git=by_git, dated=dated
    )


def _is_dated(name: NormalizedName, settings: Settings, overrides: Overrides) -> bool:
    """Whether it matters how old a release of a project is."""
    own = overrides.min_release_age(name)
    return bool(settings.min_release_age if own is None else own)


def _stated(name: NormalizedName, source: Git) -> ProjectPage:
    """The state under the version that the settings give it, if they do."""
    reference = repository(source.clone_url, source.ref or "")
    version = reference.version if source.version is None else Version(source.version)
    if version is None:
        return ProjectPage(name, (), (f"only a build can tell which version {reference} is",))
    return page_of_state(Pin(name, version), str(reference), reference.url)


def page_of_state(pin: Pin, url: str, where: str) -> ProjectPage:
    """Somebody named the state on purpose: as one that a requirement names, it has no age."""
    return ProjectPage(pin.name, (replace(release(pin, url, where), by_settings=False),))


def _listed(name: NormalizedName, source: Url) -> ProjectPage:
    versions = sorted(map(Version, source.versions), reverse=True)
    return ProjectPage(name, tuple(_at(Pin(name, version), source) for version in versions))


def _at(pin: Pin, source: Url) -> Candidate:
    address = releases_at(pin, source)
    found = release(pin, address.url, address.url)
    name = address.url.rpartition("/")[2]
    file = named_after(pin, RemoteFile(name, address.url, address.digest))
    return replace(found, sdist=file)
