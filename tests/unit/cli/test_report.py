"""A failure says how to repeat it: in the same manner, and with nothing secret in it."""

from dataclasses import replace
from pathlib import Path

from builder.app.settings import Settings
from builder.cli.report import comparison_lines, emulation_lines, repeating
from builder.domain.emulation import BuildTime, Factor, Timings
from tests.facts import pin

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
        variants_file=Path("own.yaml"),
        index_urls=("https://name:secret@index.example/simple/",),
    )

    assert " ".join(repeating("bootstrap", settings, ("c.txt",))) == (
        "builder bootstrap --variant rocm --image cpu --engine docker --patches-dir own/patches "
        "--variants-file own.yaml --sdist-server-url https://index.example/simple/ -c c.txt -O out"
    )


def test_builds_under_emulation_are_counted_with_what_they_cost() -> None:
    emulated = Timings(
        (BuildTime(pin("a==1"), 20.0, "arm64"), BuildTime(pin("b==1"), 30.0, "arm64")),
        {"arm64": Factor(0.25, 3.0)},
    )

    assert list(emulation_lines(emulated)) == [
        "under emulation (arm64): 2 wheels, whose builds took 50 s",
        "  a fixed piece of work took 12.0 times as long as natively",
    ]
    assert not list(comparison_lines(emulated))


def test_releases_that_were_built_in_both_ways_give_a_factor_of_their_own() -> None:
    both = Timings((BuildTime(pin("a==1"), 2.0), BuildTime(pin("a==1"), 20.0, "arm64")))

    (line,) = comparison_lines(both)
    assert line == (
        "1 release built both natively and under emulation (arm64): 2 s and 20 s,"
        " 10.0 times as long"
    )
    assert not list(emulation_lines(Timings(both.builds[:1])))
