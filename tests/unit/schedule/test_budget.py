"""Builds share processors and memory, and exclusive ones share nothing."""

from hypothesis import given
from hypothesis import strategies as st

from builder.schedule.budget import Appetite, Budget, Claim
from builder.schedule.ready import Ready
from builder.schedule.waiting import Schedule

APPETITES = st.builds(Appetite, st.integers(1, 16), st.floats(0.1, 40), exclusive=st.booleans())


@given(st.lists(APPETITES, min_size=1, max_size=12), st.integers(1, 6), st.integers(1, 6))
def test_whatever_runs_together_stays_within_the_budget(
    appetites: list[Appetite], workers: int, jobs: int
) -> None:
    budget = Budget(workers, jobs, 16.0)
    ready: Ready[int] = Ready(Schedule(), budget)
    claims = {node: budget.claim(appetite) for node, appetite in enumerate(appetites)}
    for node, claim in claims.items():
        ready.add(node, claim)
    running: list[int] = []
    done: list[int] = []
    while len(done) < len(appetites):
        started = ready.next()
        if started is None:
            first = running.pop(0)
            ready.ended(first)
            done.append(first)
            continue
        running.append(started)
        together = [claims[one] for one in running]
        assert len(together) <= workers
        if len(together) > 1:
            assert not any(claim.exclusive for claim in together)
            assert sum(claim.cores for claim in together) <= budget.cores
            assert sum(claim.memory_gb for claim in together) <= budget.memory_gb


def test_a_build_gets_as_many_jobs_as_cores_and_memory_allow() -> None:
    budget = Budget(workers=2, jobs=4, memory_gb=6.0)

    assert budget.claim(Appetite()).jobs == 4
    assert budget.claim(Appetite(cores=4)).jobs == 2
    assert budget.claim(Appetite(memory_gb=3.0)).jobs == 2
    assert budget.claim(Appetite(memory_gb=100.0)) == Claim(1, 1, 100.0)


def test_what_asks_for_too_much_runs_alone() -> None:
    budget = Budget(workers=4, jobs=1, memory_gb=8.0)
    large = budget.claim(Appetite(memory_gb=100.0))

    assert budget.admits([], large)
    assert not budget.admits([budget.claim(Appetite())], large)


def test_small_builds_overtake_a_large_one_but_nothing_overtakes_an_exclusive_one() -> None:
    budget = Budget(workers=3, jobs=1, memory_gb=8.0)
    large, small = Claim(1, 1, 7.0), Claim(1, 1, 2.0)
    overtaken: Ready[str] = Ready(Schedule(), budget)
    overtaken.add("a", small)
    overtaken.add("b", large)
    overtaken.add("c", small)
    held: Ready[str] = Ready(Schedule(), budget)
    held.add("a", small)
    held.add("b", Claim(1, 1, 1.0, exclusive=True))
    held.add("c", small)

    assert [overtaken.next(), overtaken.next(), overtaken.next()] == ["a", "c", None]
    assert [held.next(), held.next()] == ["a", None]
    held.ended("a")
    assert [held.next(), held.next()] == ["b", None]
    held.ended("b")
    assert held.next() == "c"
