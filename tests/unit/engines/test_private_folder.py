import secrets
import tempfile
from pathlib import Path

import pytest

from builder.engines.private_folder import private_folder


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


PREFIX = f"builder-test-{secrets.token_hex(4)}-"


def test_the_folder_goes_away_with_its_user() -> None:
    with private_folder(PREFIX) as folder:
        assert folder.stat().st_mode & 0o777 == 0o700

    assert not folder.exists()


def test_a_folder_in_use_is_left_alone() -> None:
    with private_folder(PREFIX) as one, private_folder(PREFIX) as other:
        assert one != other
        assert one.exists()


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    left = tmp_path / f"{PREFIX}left"
    left.mkdir()
    (left / "in-use").touch()

    with private_folder(PREFIX):
        assert not left.exists()
