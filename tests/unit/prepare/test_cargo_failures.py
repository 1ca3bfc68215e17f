"""What cargo prints leads to what can be done about it."""

import pytest

from builder.prepare.cargo_failures import hint_of


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("the lock file /x/Cargo.lock needs to be updated but --locked was passed", "does not fit"),
        ("error: cannot update the lock file because --locked was passed", "does not fit"),
        ("package `a v1` cannot be built because it requires rustc 1.90 or newer", "too old"),
        ("feature `edition2024` is required", "too old"),
        ("lock file version `4` was found, but this version of Cargo does not", "too old"),
        ("lock file version 4 requires `-Znext-lockfile-bump`", "too old"),
        ("candidate versions found which didn't match: version 1 is yanked", "withdrawn"),
        ("failed to verify the checksum of `tiny v1.0.0`", "other bytes"),
        ("checksum for `tiny v1.0.0` changed between lock files", "other bytes"),
        ("fatal: transport 'ssh' not allowed", "https alone"),
        ("[6] Couldn't resolve host name (Could not resolve host: index.example)", "reachable"),
        ("[60] SSL peer certificate or SSH remote key was not OK", "reachable"),
        ("failed to download from `https://index.example/tiny`", "reachable"),
        ("something else", ""),
    ],
)
def test_a_failure_is_told_with_what_to_do(said: str, words: str) -> None:
    assert words in hint_of(said)
    assert bool(words) == bool(hint_of(said))
