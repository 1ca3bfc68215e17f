"""Two specs have the same key only where they are the same spec."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from builder.domain.builds import BuildSpec, Goal, Repair
from builder.domain.digests import Digest
from builder.domain.sources import BuildSystem, SourceTree
from tests.facts import pin, wheel

TEXT = st.text(alphabet="ab:=1 \n", max_size=4)
SOURCE = SourceTree(
    pin("pkg==1"),
    Digest("a" * 64),
    Digest("b" * 64),
    "https://index.example/x",
    BuildSystem((Requirement("setuptools"),), "backend", ()),
    None,
)
SPECS = st.builds(
    BuildSpec,
    goal=st.sampled_from(Goal),
    source=st.builds(
        lambda backend, path: replace(SOURCE, build_system=BuildSystem((), backend, path)),
        TEXT,
        st.lists(TEXT, max_size=2).map(tuple),
    ),
    image=TEXT,
    sandbox=st.sampled_from([Digest("c" * 64), Digest("d" * 64)]),
    environment=st.lists(st.sampled_from([wheel("x==1"), wheel("y==1")]), max_size=2).map(tuple),
    accepted=st.lists(TEXT, max_size=3).map(tuple),
    variables=st.lists(st.tuples(TEXT, TEXT), max_size=3).map(tuple),
    settings=TEXT,
    foreign_binaries=st.booleans(),
    repair=st.none()
    | st.builds(Repair, TEXT, st.sampled_from([Digest("c" * 64), Digest("d" * 64)])),
)


@given(SPECS, SPECS)
def test_no_two_specs_share_a_key(one: BuildSpec, other: BuildSpec) -> None:
    assert (one.key == other.key) == (one == other)


def test_a_name_and_its_value_are_told_apart() -> None:
    spec = BuildSpec(Goal.WHEEL, SOURCE, "i", Digest("c" * 64), (), (), (("A", "B=C"),))

    assert replace(spec, variables=(("A=B", "C"),)).key != spec.key
