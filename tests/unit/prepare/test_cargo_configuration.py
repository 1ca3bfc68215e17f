"""What cargo is told where it has a network, and where it has none."""

import tomllib
from pathlib import Path

import pytest

from builder.errors import InputError
from builder.prepare.cargo_configuration import (
    CargoAccess,
    fetching_variables,
    is_offline,
    names_sources,
    offline_configuration,
    operators_configuration,
    proxies_of,
)
from builder.prepare.crates import Crate, UnusableCrates

TINY = Crate("tiny", "1.0.0", "ab" * 32, "registry+https://index.example/crates")
MARK = Crate("mark", "0.3.0", None, "git+https://git.example/mark?branch=main#" + "cd" * 20)
PRINTED = """
[source.crates-io]
replace-with = "vendored-sources"

[source."git+https://git.example/mark?branch=main"]
git = "https://git.example/mark"
branch = "main"
replace-with = "vendored-sources"

[source.vendored-sources]
directory = "/build/fetched"
"""


def test_of_the_operators_configuration_only_addresses_are_lent() -> None:
    given = """
[source.crates-io]
replace-with = "mirror"
[source.mirror]
registry = "sparse+https://mirror.example/index/"
[registries.mine]
index = "sparse+https://mine.example/index/"
token = "s3cret"
credential-provider = ["/usr/bin/give-it-away"]
[registry]
token = "s3cret"
[http]
proxy = "proxy.example:8080"
cainfo = "/etc/mine.pem"
[net]
retry = 5
git-fetch-with-cli = true
[build]
rustc = "/home/me/rustc"
[alias]
vendor = "run"
"""

    assert tomllib.loads(operators_configuration(given, "config.toml")) == {
        "source": {
            "crates-io": {"replace-with": "mirror"},
            "mirror": {"registry": "sparse+https://mirror.example/index/"},
        },
        "registries": {"mine": {"index": "sparse+https://mine.example/index/"}},
        "http": {"proxy": "proxy.example:8080"},
        "net": {"retry": 5},
    }


@pytest.mark.parametrize("text", ["", "[build]\njobs = 2\n", "source = 3\nhttp = []\n"])
def test_a_configuration_that_says_nothing_of_registries_is_none(text: str) -> None:
    assert operators_configuration(text, "config.toml") == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[source.x]\ndirectory = '/srv/crates'\n", "is a folder of this host"),
        ("[source.x]\nlocal-registry = '/srv/crates'\n", "is a folder of this host"),
        ("[source", "is not valid"),
    ],
)
def test_a_configuration_that_no_container_could_follow_is_refused(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        operators_configuration(text, "config.toml")


def test_plain_http_leads_nowhere_and_git_follows_nothing_but_https() -> None:
    variables = dict(fetching_variables(CargoAccess(proxies=(("http_proxy", "http://p:1"),))))

    assert variables["http_proxy"] == "http://127.0.0.1:1"
    assert variables["GIT_ALLOW_PROTOCOL"] == "https"
    assert variables["CARGO_NET_GIT_FETCH_WITH_CLI"] == "true"
    assert "https_proxy" not in variables
    assert "SSL_CERT_FILE" not in variables


def test_plain_http_reaches_what_the_operator_names() -> None:
    configuration = (
        '[source.a]\nregistry = "sparse+http://127.0.0.1:8000/index/"\n'
        '[source.b]\ngit = "http://user:word@[::1]:9/x"\n[source.c]\ngit = "https://git.example"\n'
    )
    access = CargoAccess(configuration, (("no_proxy", "inner.example"),), Path("/ca.pem"))

    variables = dict(fetching_variables(access))

    assert variables["http_proxy"] == "http://127.0.0.1:1"
    assert variables["no_proxy"] == variables["NO_PROXY"] == "inner.example,127.0.0.1,[::1]"
    assert variables["GIT_ALLOW_PROTOCOL"] == "https:http"
    assert variables["SSL_CERT_FILE"] == variables["GIT_SSL_CAINFO"] == "/in/ca.crt"


def test_proxies_come_from_the_usual_variables_and_nothing_else_does() -> None:
    variables = {"HTTPS_PROXY": "http://p:1", "no_proxy": "", "TOKEN": "x"}

    assert proxies_of(variables) == (("HTTPS_PROXY", "http://p:1"),)


def test_every_source_is_replaced_by_the_folder_and_build_flags_stay() -> None:
    own = '# mine\n[build]\nrustflags = ["-C", "x"] # why\n[source.x]\nregistry = "y"\n'

    text = offline_configuration(PRINTED, [TINY, MARK], own, "vendor")

    found = tomllib.loads(text)
    assert text.startswith('# mine\n[build]\nrustflags = ["-C", "x"] # why\n')
    assert found["source"]["vendored-sources"] == {"directory": "vendor"}
    assert set(found["source"]) == {
        "crates-io",
        "git+https://git.example/mark?branch=main",
        "vendored-sources",
    }
    assert is_offline(text, [TINY, MARK], "vendor")
    assert not is_offline(text, [TINY, MARK], "other")
    assert offline_configuration(PRINTED, [TINY, MARK], text, "vendor") == text


def test_nothing_else_than_sources_is_taken_from_what_is_printed() -> None:
    printed = PRINTED + '[build]\nrustc = "/tmp/evil"\n'

    assert "evil" not in offline_configuration(printed, [TINY, MARK], None, "vendor")


@pytest.mark.parametrize(
    ("printed", "own", "words"),
    [
        ("", None, "each source"),
        ("[source", None, "no usable configuration"),
        (PRINTED.replace("git.example/mark", "git.example/other"), None, "each source"),
        (PRINTED, "[source", "is not valid"),
    ],
)
def test_a_configuration_that_leaves_a_source_out_is_refused(
    printed: str, own: str | None, words: str
) -> None:
    with pytest.raises(UnusableCrates, match=words):
        offline_configuration(printed, [TINY, MARK], own, "vendor")


def test_whether_a_source_names_sources_itself_is_seen() -> None:
    assert names_sources("[source.x]\nregistry = 'y'\n")
    assert not names_sources("[build]\njobs = 1\n")
    assert not names_sources("[broken")
    assert not names_sources(None)
