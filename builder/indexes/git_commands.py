"""What git is started with: the words and variables that leave it nothing but moving bytes."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from builder.domain.repositories import GitReference

MEMORY_KIB = 8 << 20
FILE_BYTES = 8 << 30

# Neither the repository nor whoever serves it may name a program, and what a user or a
# distribution has configured for working copies has no say here.
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "core.fsmonitor=false",
    "core.askPass=",
    "core.alternateRefsCommand=",
    "core.packedGitLimit=1g",
    "credential.helper=",
    # A signature is shown by a program that git starts, and an archive may ask for one to be.
    "log.showSignature=false",
    "gpg.program=false",
    "gpg.openpgp.program=false",
    "gpg.x509.program=false",
    "gpg.ssh.program=false",
    "fetch.fsckObjects=true",
    "transfer.fsckObjects=true",
    # One pack, however small: so one limit on the size of a file holds for all that comes.
    "fetch.unpackLimit=1",
    "fetch.recurseSubmodules=false",
    "fetch.writeCommitGraph=false",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "tar.umask=0022",
    "http.followRedirects=initial",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=60",
    "protocol.allow=never",
)
ATTRIBUTES = "* -export-subst -export-ignore -text -eol -ident -filter -working-tree-encoding\n"
"""Stands in each repository, where it wins over the `.gitattributes` of the tree: an archive holds
every file as it was committed."""

_PASSED_ON = (
    "PATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
)
_NOWHERE = "/nonexistent"


def git_command(words: Sequence[str], repository: Path, scheme: str = "") -> list[str]:
    """The whole command line. `scheme` is the only one that git may fetch by; empty for none."""
    settings = (*_SETTINGS, *([f"protocol.{scheme}.allow=always"] if scheme else []))
    git = ["git", f"--git-dir={repository}"]
    for setting in settings:
        git += ["-c", setting]
    # Limits have to be there before git is, and a program cannot set them for another one.
    # POSIX counts the size of files in blocks of 512 bytes.
    limits = f'ulimit -v {MEMORY_KIB} -f {FILE_BYTES // 512} 2>/dev/null; exec "$@"'
    return ["/bin/sh", "-c", limits, "sh", *git, *words]


def git_environment(
    variables: Mapping[str, str],
    reference: GitReference | None = None,
    login: tuple[str, str] | None = None,
) -> dict[str, str]:
    """All the variables that git sees; a login stands here, for others can read command lines."""
    environment = {name: variables[name] for name in _PASSED_ON if name in variables}
    environment |= {
        "LC_ALL": "C",
        "TZ": "UTC",
        "HOME": _NOWHERE,
        "XDG_CONFIG_HOME": _NOWHERE,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_SYSTEM": "/dev/null",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        # Beside the settings, for these hold for whatever git starts: it serves local
        # repositories by another git, which heeds their own settings and not ours.
        "GIT_ALLOW_PROTOCOL": reference.scheme if reference is not None else "none",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS": "",
    }
    # Of commits that are made here, which never leave: the same trees make the same commit.
    for role in ("AUTHOR", "COMMITTER"):
        environment[f"GIT_{role}_NAME"] = environment[f"GIT_{role}_EMAIL"] = "builder"
        environment[f"GIT_{role}_DATE"] = "@315532800 +0000"
    authorities = variables.get("REQUESTS_CA_BUNDLE")
    if authorities:
        environment.setdefault("GIT_SSL_CAINFO", authorities)
    if reference is None:
        return environment
    if reference.scheme == "ssh":
        # Keys, known hosts and ways to a host are the user's own, and ssh finds them by itself.
        environment["GIT_SSH_COMMAND"] = "ssh -oBatchMode=yes -oStrictHostKeyChecking=yes"
        if "SSH_AUTH_SOCK" in variables:
            environment["SSH_AUTH_SOCK"] = variables["SSH_AUTH_SOCK"]
    if reference.scheme == "http":
        # Only ever on this machine, where no proxy has any business.
        environment |= {"no_proxy": "*", "NO_PROXY": "*"}
    return environment | _login(reference, login)


def fetch_words(reference: GitReference, refs: Sequence[str], *, shallow: bool) -> list[str]:
    """Fetches refs, with only what belongs to their newest state where `shallow`."""
    options = ["--quiet", "--no-tags", "--no-recurse-submodules", "--no-auto-maintenance"]
    depth = ["--depth=1"] if shallow else []
    return ["fetch", *options, *depth, "--", reference.url, *refs]


def archive_words(commit: str, top: str) -> list[str]:
    """Writes a commit as a tar archive to standard output."""
    return ["archive", "--format=tar", f"--prefix={top}/", commit]


def _login(reference: GitReference, login: tuple[str, str] | None) -> dict[str, str]:
    if login is None or reference.scheme not in ("https", "http"):
        return {}
    parts = urlsplit(reference.url)
    words = b64encode(":".join(login).encode()).decode("ascii")
    place = f"http.{parts.scheme}://{parts.netloc}/"
    return {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": f"{place}.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {words}",
        # After a redirect, git would send the header to whatever host it was led to.
        "GIT_CONFIG_KEY_1": f"{place}.followRedirects",
        "GIT_CONFIG_VALUE_1": "false",
    }
