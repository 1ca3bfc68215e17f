"""`--update` writes what commands say now, for review in the difference of the next commit."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="write snapshots, compare nothing")
