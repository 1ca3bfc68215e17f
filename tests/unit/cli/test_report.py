"""A failure says how to repeat it: in the same manner, and with nothing secret in it."""

from dataclasses import replace
from pathlib import Path

from builder.app.settings import Settings
from builder.cli.report import repeating

OUT = Path("out")
USUAL = Settings(OUT / "sdists-repo", OUT / "wheels-repo", OUT / "work-dir", Path("c"), (), {})


def test_what_is_usual_is_not_said() -> None:
    assert " ".join(repeating("bootstrap", USUAL, ())) == "builder bootstrap -O out"


def test_whatever_makes_a_difference_is_said() -> None:
    settings = replace(
        USUAL,
        variant="rocm",
        image="cpu",
        engine="docker",
        patches_dir=Path("own/patches"),
        index_urls=("https://name:secret@index.example/simple/",),
    )

    assert " ".join(repeating("bootstrap", settings, ("c.txt",))) == (
        "builder bootstrap --variant rocm --image cpu --engine docker --patches-dir own/patches "
        "--sdist-server-url https://index.example/simple/ -c c.txt -O out"
    )
