"""Servers on the loopback, and indexes that do not wait."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from builder.indexes.simple import SimpleIndex
from builder.indexes.transport import Limits
from tests.index_server import IndexServer, index_server

MakeIndex = Callable[..., SimpleIndex]


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps the proxies and passwords of who runs the tests out of them."""
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("NETRC", "/dev/null")


@pytest.fixture
def server() -> Iterator[IndexServer]:
    with index_server() as running:
        yield running


@pytest.fixture
def other_server() -> Iterator[IndexServer]:
    with index_server() as running:
        yield running


@pytest.fixture
def make_index() -> Iterator[MakeIndex]:
    with ExitStack() as stack:

        def make(urls: Sequence[str], **limits: Any) -> SimpleIndex:
            given = {"backoff_seconds": 0.0, "read_seconds": 5.0} | limits
            index = SimpleIndex(urls, limits=Limits(**given), sleep=lambda _seconds: None)
            stack.callback(index.close)
            return index

        yield make
