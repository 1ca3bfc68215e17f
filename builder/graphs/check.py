"""What is wrong with a graph, told before anything is built from it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from packaging.utils import NormalizedName, canonicalize_name

from builder.domain.digests import Digest
from builder.domain.graph import (
    BuildRecipe,
    Dependency,
    DependencyGraph,
    EnvironmentPart,
    GraphNode,
    Provision,
)
from builder.domain.releases import Pin
from builder.graphs.acceptance import accepts, as_requirement
from builder.graphs.cycles import Cycle, Step, build_cycles
from builder.graphs.duplicates import Duplicate, duplicates


class Problem(Enum):
    """What can be wrong. The first ones stand against a build; the others one should know of."""

    UNREADABLE = "unreadable requirement"
    UNSATISFIED = "unsatisfied requirement"
    DUPLICATE = "several versions"
    ENVIRONMENT = "broken build environment"
    CYCLE = "build cycle"
    NO_RECIPE = "no recorded build environment"
    NO_DIGEST = "no source digest"
    PRE_BUILT = "pre-built"
    SEED = "built with a seed"
    TAINTED = "tainted"

    @property
    def is_error(self) -> bool:
        return self in _ERRORS


_ERRORS = {
    Problem.UNREADABLE,
    Problem.UNSATISFIED,
    Problem.DUPLICATE,
    Problem.ENVIRONMENT,
    Problem.CYCLE,
}


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Attributes:
        packages: whom it is about.
        message: a sentence; the packages need not be in it where they are many.
        details: more lines, such as the edges of a ring.
    """

    problem: Problem
    packages: tuple[Pin, ...]
    message: str
    details: tuple[str, ...] = ()


def check(graph: DependencyGraph) -> tuple[Finding, ...]:
    """Everything that stands against building or installing what a graph holds; errors first."""
    found = [
        *_edge_findings(graph.edges),
        *map(_duplicate, duplicates(graph)),
        *_environment_findings(graph),
        *map(_cycle, build_cycles(graph)),
        *_warnings(graph),
    ]
    return tuple(sorted(found, key=lambda finding: not finding.problem.is_error))


def _edge_findings(edges: Iterable[Dependency]) -> Iterator[Finding]:
    for edge in edges:
        requirement = as_requirement(edge.requirement)
        asker = edge.parent or "the request"
        if requirement is None:
            message = f"{asker} has a requirement that cannot be read: {edge.requirement!r}"
            yield Finding(Problem.UNREADABLE, _ends(edge), message)
        elif canonicalize_name(requirement.name) != edge.child.name:
            message = f"{asker} needs {edge.requirement}, and the graph gives it {edge.child}"
            yield Finding(Problem.UNSATISFIED, _ends(edge), message)
        elif not accepts(edge, edge.child.version):
            message = (
                f"{asker} needs {edge.requirement} ({edge.kind.value}), "
                f"and the graph gives it {edge.child.version}"
            )
            yield Finding(Problem.UNSATISFIED, _ends(edge), message)


def _ends(edge: Dependency) -> tuple[Pin, ...]:
    return (edge.child,) if edge.parent is None else (edge.parent, edge.child)


def _duplicate(duplicate: Duplicate) -> Finding:
    versions = ", ".join(map(str, duplicate.versions))
    if duplicate.usable:
        remedy = f"{duplicate.usable[-1]} would do for all"
    else:
        remedy = "no single one would do for all"
    return Finding(
        Problem.DUPLICATE,
        tuple(Pin(duplicate.name, version) for version in duplicate.versions),
        f"an installation would hold {duplicate.name} in several versions: {versions}; {remedy}",
    )


def _environment_findings(graph: DependencyGraph) -> Iterator[Finding]:
    for pin in sorted(graph.nodes):
        node = graph.nodes[pin]
        for recipe in filter(None, (node.recipe, node.staged)):
            for reason in _against(graph, recipe):
                message = f"{pin} is built in an environment that {reason}"
                yield Finding(Problem.ENVIRONMENT, (pin,), message)


def _against(graph: DependencyGraph, recipe: BuildRecipe) -> Iterator[str]:
    seen: dict[NormalizedName, EnvironmentPart] = {}
    for part in recipe.environment:
        before = seen.setdefault(part.pin.name, part)
        if before is not part:
            yield f"holds {part.pin.name} twice: {before.pin.version} and {part.pin.version}"
        node = graph.nodes.get(part.pin)
        if part.provision is Provision.SEED:
            continue
        if node is None:
            yield f"holds {part.pin}, which is no node of the graph"
        elif part.provision is Provision.STAGED and node.staged is None:
            yield f"holds a staged {part.pin}, and the graph does not say how that is built"
        else:
            yield from _other_bytes(part, node)


def _other_bytes(part: EnvironmentPart, node: GraphNode) -> Iterator[str]:
    if _differ(part.source, node.source):
        yield f"holds {part.pin} from another source than the graph's own: their digests differ"
    elif part.provision is Provision.BUILT and _differ(part.wheel, node.wheel):
        yield f"holds another wheel of {part.pin} than the graph's own: their digests differ"


def _differ(one: Digest | None, other: Digest | None) -> bool:
    return one is not None and other is not None and one != other


def _cycle(cycle: Cycle) -> Finding:
    packages = tuple(step.waiting for step in cycle.steps)
    ring = " -> ".join(str(pin) for pin in (*packages, packages[0]))
    knot = f", in a knot of {cycle.tangled}" if cycle.tangled > len(packages) else ""
    return Finding(
        Problem.CYCLE,
        packages,
        f"these builds wait for each other{knot}: {ring}",
        tuple(line for step in cycle.steps for line in _step_lines(step)),
    )


def _step_lines(step: Step) -> Iterator[str]:
    if not step.way:
        yield f"{step.waiting} has {step.needed} in its recorded build environment"
    for edge in step.way:
        yield f"{edge.parent} needs {edge.requirement} ({edge.kind.value}): {edge.child}"


def _warnings(graph: DependencyGraph) -> Iterator[Finding]:
    nodes = [graph.nodes[pin] for pin in sorted(graph.nodes)]
    groups = {
        Problem.NO_RECIPE: [node for node in nodes if not node.pre_built and node.recipe is None],
        Problem.NO_DIGEST: [node for node in nodes if _lacks_digest(node)],
        Problem.PRE_BUILT: [node for node in nodes if node.pre_built],
        Problem.SEED: [node for node in nodes if any(_seeds(node))],
        Problem.TAINTED: [node for node in nodes if node.tainted_by],
    }
    for problem, group in groups.items():
        if group:
            details = tuple(_more(problem, node) for node in group)
            yield Finding(problem, tuple(node.pin for node in group), _SENTENCES[problem], details)


_SENTENCES = {
    Problem.NO_RECIPE: "nobody recorded what these are built with: a build has to ask them again",
    Problem.NO_DIGEST: "no digest says which bytes these are made from",
    Problem.PRE_BUILT: "these were taken from an index and not built",
    Problem.SEED: "a wheel from an index takes part in building these",
    Problem.TAINTED: "a wheel that was put in place of a failed build took part in these",
}


def _lacks_digest(node: GraphNode) -> bool:
    recipes = filter(None, (node.recipe, node.staged))
    parts = (part for recipe in recipes for part in recipe.environment)
    return node.source is None or any(part.source is None for part in parts)


def _seeds(node: GraphNode) -> Iterator[EnvironmentPart]:
    for recipe in filter(None, (node.recipe, node.staged)):
        yield from (one for one in recipe.environment if one.provision is Provision.SEED)


def _more(problem: Problem, node: GraphNode) -> str:
    if problem is Problem.SEED:
        return f"{node.pin}: {', '.join(sorted({str(seed.pin) for seed in _seeds(node)}))}"
    if problem is Problem.TAINTED:
        return f"{node.pin}: {', '.join(map(str, node.tainted_by))}"
    if problem is Problem.NO_DIGEST and node.source is not None:
        return f"{node.pin}: parts of its build environment"
    return str(node.pin)
