"""Numbers of packages that are out of the ordinary."""

from builder.graphs.customized import Customized
from builder.graphs.statistics import Statistics, statistics
from tests.facts import pin
from tests.graphs import edge, graph, node


def test_a_project_in_two_versions_counts_once() -> None:
    made = graph(
        edge("", "app==1"),
        edge("", "app==2"),
        edge("", "lib==1"),
        nodes=[node("app==1", constraint="<3"), node("lib==1", pre_built=True)],
    )
    app, other = pin("app==1"), pin("other==1")
    special = Customized(
        settings=frozenset({app.name, other.name}),
        patched_releases=frozenset({app}),
        plugins=frozenset({other.name}),
    )

    assert statistics(made, special) == Statistics(
        packages=2,
        releases=3,
        constrained=1,
        with_settings=1,
        pre_built=1,
        patched=1,
        with_plugins=0,
    )
