import pytest

from builder.domain.emulation import BuildTime, Factor, Timings
from builder.errors import InputError
from builder.record.build_times import build_times_json, read_build_times
from tests.facts import pin

TIMINGS = Timings(
    (
        BuildTime(pin("a==1"), 2.5, "arm64"),
        BuildTime(pin("b==2"), 3.0, reused=True),
        BuildTime(pin("b==10"), 30.0, "arm64"),
    ),
    {"arm64": Factor(0.25, 3.0)},
)


def test_what_is_written_is_read_again() -> None:
    assert read_build_times(build_times_json(TIMINGS), "x") == TIMINGS


def test_the_order_of_builds_does_not_show() -> None:
    turned = Timings(tuple(reversed(TIMINGS.builds)), TIMINGS.factors)

    assert build_times_json(turned) == build_times_json(TIMINGS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"builds": [{"name": "a", "version": "one", "seconds": 1}]}',
        '{"builds": [{"name": "a", "version": "1", "seconds": -1}]}',
        '{"builds": [], "fixed_work": {"arm64": {"native_seconds": 0, "emulated_seconds": 1}}}',
    ],
)
def test_a_file_that_says_something_else_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="x does not say"):
        read_build_times(text, "x")


def test_builds_under_emulation_are_counted_by_architecture() -> None:
    (emulation,) = TIMINGS.emulated

    assert (emulation.architecture, emulation.builds, emulation.seconds) == ("arm64", 2, 32.5)
    assert emulation.fixed_work == Factor(0.25, 3.0)
    assert emulation.releases is None
