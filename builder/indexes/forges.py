"""The tags of a project on GitHub or GitLab, or on servers that speak as they do."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeVar
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, AwareDatetime, BaseModel, StringConstraints, TypeAdapter
from pydantic import ValidationError as NotAsPromisedError

from builder.errors import IndexUnreachableError, InputError
from builder.indexes.addresses import origin, shown
from builder.indexes.elsewhere import Elsewhere
from builder.indexes.transport import Token

Listed = TypeVar("Listed", bound=BaseModel)
Answered = TypeVar("Answered")

_PAGE = 100
_MOST_PAGES = 50
_MOST_DATES = 30
_JSON = "application/json"
_GITHUB = "github.com"
_PROJECT_HINT = "give project_url as https://HOST/OWNER/PROJECT, as a browser shows it"


@dataclass(frozen=True)
class Tag:
    """A tag, the commit that it names, and when that was made, where that is known."""

    name: str
    commit: str
    time: datetime | None = None


def _hexadecimal(text: str) -> str:
    if len(text) not in (40, 64):
        raise ValueError("no commit")
    return text


_Commit = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]+$"), AfterValidator(_hexadecimal)]
_Name = Annotated[str, StringConstraints(min_length=1, max_length=250)]


class _GithubCommit(BaseModel):
    sha: _Commit


class _GithubTag(BaseModel):
    name: _Name
    commit: _GithubCommit


class _GithubPerson(BaseModel):
    date: AwareDatetime


class _GithubDates(BaseModel):
    committer: _GithubPerson


class _GithubDetails(BaseModel):
    commit: _GithubDates


class _GitlabCommit(BaseModel):
    id: _Commit
    committed_date: AwareDatetime | None = None


class _GitlabTag(BaseModel):
    name: _Name
    commit: _GitlabCommit


_GITHUB_TAGS: TypeAdapter[list[_GithubTag]] = TypeAdapter(list[_GithubTag])
_GITHUB_DETAILS = TypeAdapter(_GithubDetails)
_GITLAB_TAGS: TypeAdapter[list[_GitlabTag]] = TypeAdapter(list[_GitlabTag])


class GithubProject:
    """A project on GitHub. `url` is what a browser shows, without `.git` behind it."""

    def __init__(self, url: str, variables: Mapping[str, str], elsewhere: Elsewhere) -> None:
        """Takes whom to ask.

        Raises:
            InputError: `url` names no project.
        """
        owner_and_name = urlsplit(url).path.strip("/")
        if owner_and_name.count("/") != 1:
            raise InputError(f"{url} names no project on GitHub", hint=_PROJECT_HINT)
        self._url = url
        self._api = f"{github_api(url, variables)}/repos/{quote(owner_and_name)}"
        self._elsewhere = elsewhere

    @property
    def clone_url(self) -> str:
        return f"{self._url}.git"

    def tags(self) -> tuple[Tag, ...]:
        """Every tag; when its commit was made is another question.

        Raises:
            IndexUnreachableError: they cannot be had, or are more than anybody has.
        """
        listed = _pages(self._elsewhere, f"{self._api}/tags", _GITHUB_TAGS)
        return tuple(Tag(one.name, one.commit.sha) for one in listed)

    def dated(self, tags: Sequence[Tag]) -> tuple[Tag, ...]:
        """The same with times, but for those behind the first few: each is a request.

        Raises:
            IndexUnreachableError: one cannot be had.
        """
        asked = tuple(self._dated(tag) for tag in tags[:_MOST_DATES])
        return (*asked, *tags[_MOST_DATES:])

    def archive_url(self, commit: str) -> str:
        return f"{self._api}/tarball/{commit}"

    def _dated(self, tag: Tag) -> Tag:
        url = f"{self._api}/commits/{tag.commit}"
        details = _read(self._elsewhere, url, _GITHUB_DETAILS)
        return Tag(tag.name, tag.commit, details.commit.committer.date)


class GitlabProject:
    """A project on GitLab. `url` is what a browser shows, without `.git` behind it."""

    def __init__(self, url: str, elsewhere: Elsewhere) -> None:
        parts = urlsplit(url)
        self._url = url
        path = quote(parts.path.strip("/"), safe="")
        self._name = parts.path.rpartition("/")[2]
        self._api = f"{parts.scheme}://{parts.netloc}/api/v4/projects/{path}/repository"
        self._elsewhere = elsewhere

    @property
    def clone_url(self) -> str:
        return f"{self._url}.git"

    def tags(self) -> tuple[Tag, ...]:
        """Every tag, with its time.

        Raises:
            IndexUnreachableError: they cannot be had, or are more than anybody has.
        """
        listed = _pages(self._elsewhere, f"{self._api}/tags", _GITLAB_TAGS)
        return tuple(Tag(one.name, one.commit.id, one.commit.committed_date) for one in listed)

    def dated(self, tags: Sequence[Tag]) -> tuple[Tag, ...]:
        """The same: the times came with them."""
        return tuple(tags)

    def archive_url(self, commit: str) -> str:
        return f"{self._api}/archive.tar.gz?sha={commit}"


def github_api(project_url: str, variables: Mapping[str, str]) -> str:
    """Where the interface for programs is: where the variables say, for the server they are for."""
    named = variables.get("GITHUB_API_URL", "").rstrip("/")
    if named and origin(project_url) in (origin(named), origin(_github_server(variables))):
        return named
    parts = urlsplit(project_url)
    if parts.hostname == _GITHUB:
        return f"{parts.scheme}://api.{parts.netloc}"
    return f"{parts.scheme}://{parts.netloc}/api/v3"


def tokens_of(variables: Mapping[str, str]) -> tuple[Token, ...]:
    """The tokens that variables hold, each for the one server that it is for."""
    found = []
    if github := variables.get("GITHUB_TOKEN"):
        api = variables.get("GITHUB_API_URL") or github_api(_github_server(variables), {})
        found.append(Token(api, "Authorization", f"Bearer {github}"))
    gitlab = variables.get("CI_SERVER_URL") or "https://gitlab.com"
    if private := variables.get("GITLAB_PRIVATE_TOKEN"):
        found.append(Token(gitlab, "PRIVATE-TOKEN", private))
    elif job := variables.get("CI_JOB_TOKEN"):
        found.append(Token(gitlab, "JOB-TOKEN", job))
    return tuple(found)


def _github_server(variables: Mapping[str, str]) -> str:
    return variables.get("GITHUB_SERVER_URL") or f"https://{_GITHUB}"


def _pages(elsewhere: Elsewhere, url: str, kind: TypeAdapter[list[Listed]]) -> Iterator[Listed]:
    for number in range(1, _MOST_PAGES + 1):
        page = _read(elsewhere, f"{url}?per_page={_PAGE}&page={number}", kind)
        yield from page
        if len(page) < _PAGE:
            return
    raise IndexUnreachableError(
        f"{shown(url)} goes on after {_MOST_PAGES * _PAGE:,} tags",
        hint="name the releases that matter by `provider: versionmap-git`",
    )


def _read(elsewhere: Elsewhere, url: str, kind: TypeAdapter[Answered]) -> Answered:
    answer = elsewhere.document(url, _JSON)
    try:
        return kind.validate_python(json.loads(answer.body))
    except (NotAsPromisedError, ValueError, RecursionError) as error:
        raise IndexUnreachableError(
            f"{shown(url)}: the answer is not what such a server gives", hint=_PROJECT_HINT
        ) from error
