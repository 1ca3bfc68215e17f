"""The overrides that come with the project are sound, and say why they are there."""

from pathlib import Path

import pytest

from builder.overrides.linting import lint
from builder.overrides.names import project_of

OVERRIDES = Path(__file__).parents[3] / "overrides"
SETTINGS = sorted((OVERRIDES / "settings").glob("*.yaml"))


def test_nothing_is_wrong_with_them() -> None:
    checkup = lint(
        OVERRIDES / "settings.yaml",
        OVERRIDES / "settings",
        OVERRIDES / "patches",
        OVERRIDES / "variants.yaml",
        plugins=(),
    )

    assert checkup.problems == ()
    assert checkup.files > len(SETTINGS) > 0


@pytest.mark.parametrize("file", SETTINGS, ids=lambda file: file.stem)
def test_settings_begin_with_the_reason_and_stand_in_the_table(file: Path) -> None:
    first = file.read_text().splitlines()[0]
    row = f"| [{project_of(file.stem)}](settings/{file.name}) |"

    assert first.startswith("# ")
    assert any(line.startswith(row) for line in (OVERRIDES / "README.md").read_text().splitlines())
