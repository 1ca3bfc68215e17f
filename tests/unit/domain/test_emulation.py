import pytest

from builder.domain.emulation import BuildTime, compared
from tests.facts import pin

NUMPY, CFFI = pin("numpy==2"), pin("cffi==1")


def test_releases_that_were_built_in_both_ways_are_compared() -> None:
    found = compared(
        [
            BuildTime(NUMPY, 100.0),
            BuildTime(NUMPY, 1200.0, "arm64"),
            BuildTime(CFFI, 10.0),
            BuildTime(CFFI, 78.0, "arm64"),
        ],
        "arm64",
    )

    assert found is not None
    assert found.releases == 2
    assert found.factor.times == pytest.approx(1278 / 110)


def test_a_release_that_was_built_in_one_way_says_nothing() -> None:
    assert compared([BuildTime(NUMPY, 100.0), BuildTime(CFFI, 78.0, "arm64")], "arm64") is None
    assert compared([BuildTime(NUMPY, 1.0), BuildTime(NUMPY, 9.0, "riscv64")], "arm64") is None
    assert compared([BuildTime(NUMPY, 0.0), BuildTime(NUMPY, 9.0, "arm64")], "arm64") is None


def test_several_native_variants_count_as_their_mean() -> None:
    builds = [BuildTime(NUMPY, 100.0), BuildTime(NUMPY, 300.0), BuildTime(NUMPY, 1000.0, "arm64")]

    found = compared(builds, "arm64")

    assert found is not None
    assert found.factor.times == pytest.approx(5)
