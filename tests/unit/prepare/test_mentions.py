"""What a prepared source names is found wherever it stands, and doubted where it cannot be read."""

import gzip
import io
import os
import tarfile
from pathlib import Path

import pytest

from builder.prepare.mentions import mentions

WORDS = (b"FIRST_NAME", b"OTHER")


def archive(folder: Path, content: bytes, name: str = "setup.py") -> Path:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        member = tarfile.TarInfo(f"pkg-1.0/{name}")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    path = folder / "source.tar.gz"
    path.write_bytes(packed.getvalue())
    return path


@pytest.mark.parametrize("before", [0, 1 << 20, (1 << 20) - 517, (1 << 20) - 1100, 3 << 20])
def test_a_word_is_found_wherever_it_stands(tmp_path: Path, before: int) -> None:
    content = os.urandom(before) + b"os.environ['FIRST_NAME']" + os.urandom(100)

    assert mentions(archive(tmp_path, content), WORDS)


def test_a_word_across_two_pieces_is_found(tmp_path: Path) -> None:
    places = range((1 << 20) - 512 - len(WORDS[0]), (1 << 20) - 512 + 1)
    for place in places:
        assert mentions(archive(tmp_path, b"x" * place + WORDS[0]), WORDS), place


def test_a_word_in_a_name_is_found(tmp_path: Path) -> None:
    assert mentions(archive(tmp_path, b"", "OTHER.txt"), WORDS)


def test_a_source_without_it_does_not_mention_it(tmp_path: Path) -> None:
    assert not mentions(archive(tmp_path, b"FIRST-NAME, Other" * 100_000), WORDS)


def test_what_is_too_large_or_broken_is_doubted(tmp_path: Path) -> None:
    large = archive(tmp_path, b"a" * 5_000_000)
    assert mentions(large, WORDS, max_bytes=1_000_000)

    large.write_bytes(large.read_bytes()[:-9])
    assert mentions(large, WORDS)
    large.write_bytes(b"no archive")
    assert mentions(large, WORDS)
    large.write_bytes(gzip.compress(b"sound"))
    assert not mentions(large, WORDS)
