"""What the graphs of several variants have in common, and in what they differ."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from builder.domain.graph import BuildRecipe, BuiltFor, BuiltIn, DependencyGraph, GraphNode
from builder.graphs.contrasts import Aspect, Contrast, build_tag, wheel_tags
from builder.graphs.variants import (
    BUILDS,
    INSTALLATION,
    BuiltElsewhere,
    HeldVersions,
    ReleaseInVariants,
    VariantsTable,
    compare,
)
from tests.facts import pin
from tests.graphs import built_with, digest, edge, graph, node

ASKED = edge("", "app==1")


def one(of: GraphNode) -> DependencyGraph:
    return graph(ASKED, nodes=[of])


def with_wheel(tags: str, content: str = "") -> GraphNode:
    filename = f"app-1-{tags}.whl"
    return replace(node("app==1"), wheel_filename=filename, wheel=digest(content or filename))


def release(found: VariantsTable, of: str) -> ReleaseInVariants:
    return next(each for each in found.releases if each.pin == pin(of))


def contrasts(found: VariantsTable, of: str = "app==1") -> list[Contrast]:
    return list(release(found, of).contrasts)


def disagreeing(found: VariantsTable) -> list[str]:
    return [project.name for project in found.disagreeing]


def test_a_variant_does_not_differ_from_itself() -> None:
    made = graph(
        ASKED, edge("app==1", "lib==1", "install"), nodes=[node("app==1", environment=["tool==1"])]
    )

    found = compare({"cpu": made, "cuda": made})

    assert found.agrees
    assert not [contrast for each in found.releases for contrast in each.contrasts]


def test_versions_are_told_apart_by_what_they_are_there_for() -> None:
    made = graph(
        edge("", "app==1"),
        edge("app==1", "lib==2", "install"),
        edge("app==1", "lib==1", "build-system"),
    )

    (_, lib) = compare({"cpu": made}).projects

    assert lib.held == (HeldVersions((pin("lib==2").version,), (pin("lib==1").version,)),)
    assert [str(version) for version in lib.held[0].all] == ["1", "2"]


def test_other_versions_in_installations_do_not_agree() -> None:
    found = compare({"cpu": graph(edge("", "app==1")), "cuda": graph(edge("", "app==2"))})

    (app,) = found.disagreeing
    assert (app.installed_agree, app.builds_agree) == (False, True)


def test_what_only_one_variant_has_disagrees_with_nobody() -> None:
    more = graph(ASKED, edge("app==1", "lib==1", "install"))

    found = compare({"cpu": graph(ASKED), "cuda": more})

    assert found.agrees
    assert contrasts(found, "lib==1") == [Contrast(Aspect.HELD_FOR, ("", INSTALLATION))]


def test_what_is_installed_here_and_a_build_tool_there_is_told() -> None:
    here = graph(ASKED, edge("", "lib==1"))
    there = graph(ASKED, edge("app==1", "lib==1", "build-system"))

    found = compare({"here": here, "there": there})

    assert found.agrees
    assert Contrast(Aspect.HELD_FOR, (INSTALLATION, BUILDS)) in contrasts(found, "lib==1")


def test_the_same_build_with_another_version_of_a_tool_does_not_agree() -> None:
    def built(tool: str) -> DependencyGraph:
        return graph(ASKED, edge("app==1", tool, "build-system", "tool"))

    (tool,) = compare({"cpu": built("tool==1"), "cuda": built("tool==2")}).disagreeing

    assert (tool.installed_agree, tool.builds_agree) == (True, False)


def test_what_a_tool_needs_itself_counts_as_the_tool_does() -> None:
    def built(deep: str) -> DependencyGraph:
        return one(node("app==1", environment=["tool==1", deep]))

    found = compare({"cpu": built("deep==1"), "cuda": built("deep==2")})

    assert contrasts(found) == [Contrast(Aspect.BUILT_WITH, ("deep==1", "deep==2"), "deep")]


def test_a_tool_that_only_one_variants_package_asks_for_in_another_version_is_no_conflict() -> None:
    both = edge("app==1", "tool==2", "build-system", "tool")
    extra = (edge("", "kernel==1"), edge("kernel==1", "tool==1", "build-system", "tool<2"))

    found = compare({"cpu": graph(ASKED, both), "cuda": graph(ASKED, both, *extra)})

    assert found.agrees


def test_build_tools_of_which_no_version_is_the_same_do_not_agree() -> None:
    here = graph(edge("", "a==1"), edge("a==1", "tool==1", "build-system"))
    there = graph(edge("", "b==1"), edge("b==1", "tool==2", "build-system"))

    assert disagreeing(compare({"cpu": here, "cuda": there})) == ["tool"]


def test_other_versions_in_two_environments_of_one_variant_are_compared_each_with_its_own() -> None:
    def built(first: str, second: str) -> DependencyGraph:
        return graph(
            edge("", "a==1"),
            edge("", "b==1"),
            edge("a==1", first, "build-system", "tool"),
            edge("b==1", second, "build-system", "tool"),
        )

    found = compare({"cpu": built("tool==1", "tool==2"), "cuda": built("tool==2", "tool==1")})

    assert disagreeing(found) == ["tool"]


def test_the_third_variant_counts_too() -> None:
    same, other = graph(edge("", "app==1")), graph(edge("", "app==2"))

    found = compare({"a": same, "b": same, "c": other})

    assert disagreeing(found) == ["app"]
    assert [str(held.installed[0]) for held in found.projects[0].held] == ["1", "1", "2"]


def test_tags_build_tags_and_bytes_are_compared() -> None:
    here, there = with_wheel("2-py3-none-any"), with_wheel("cp313-cp313-linux_aarch64")

    found = compare({"cpu": one(here), "aarch64": one(there)})

    assert [contrast.aspect for contrast in contrasts(found)] == [
        Aspect.TAGS,
        Aspect.BUILD_TAG,
        Aspect.BYTES,
    ]
    assert contrasts(found)[1].values == ("2", "")
    assert not release(found, "app==1").is_bit_identical


def test_a_wheel_may_differ_in_its_bytes_alone() -> None:
    here, there = with_wheel("py3-none-any", "here"), with_wheel("py3-none-any", "there")

    assert release(compare({"a": one(here), "b": one(there)}), "app==1").differs_in_bytes_alone
    assert release(compare({"a": one(here), "b": one(here)}), "app==1").is_bit_identical


def test_what_was_never_built_is_no_identical_wheel() -> None:
    found = compare({"a": one(node("app==1")), "b": one(node("app==1"))})

    assert not release(found, "app==1").is_bit_identical


def test_requirements_whose_markers_hold_in_one_variant_alone_are_told() -> None:
    text = "lib>=1; platform_machine == 'x86_64'"
    with_lib = graph(ASKED, edge("app==1", "lib==1", "install", text))

    found = compare({"cpu": with_lib, "aarch64": graph(ASKED)})

    assert contrasts(found) == [Contrast(Aspect.REQUIRES, (text, ""), "lib")]


def test_metadata_that_differs_is_told_once() -> None:
    def requiring(text: str) -> DependencyGraph:
        made = replace(node("app==1"), requires=(text, "other; python_version < '3'"))
        return graph(ASKED, edge("app==1", "lib==1", "install", text), nodes=[made])

    found = compare({"cpu": requiring("lib>=1"), "cuda": requiring("Lib>=0")})

    assert contrasts(found) == [Contrast(Aspect.REQUIRES, ("lib>=1", "Lib>=0"), "lib")]


def test_metadata_that_leads_nowhere_is_compared_as_well() -> None:
    def requiring(*texts: str) -> DependencyGraph:
        return one(replace(node("app==1"), requires=texts))

    found = compare({"cpu": requiring(), "cuda": requiring("gpu; extra == 'gpu'")})

    assert contrasts(found) == [Contrast(Aspect.METADATA, ("", "gpu; extra == 'gpu'"), "gpu")]


def test_what_a_backend_asks_for_is_compared() -> None:
    def asking(*backend: str) -> DependencyGraph:
        return one(node("app==1", recipe=BuildRecipe(("tool",), backend, ())))

    found = compare({"cpu": asking("cmake>=3"), "cuda": asking("cmake>=3", "ninja")})

    assert contrasts(found) == [Contrast(Aspect.BACKEND, ("", "ninja"), "ninja")]


def test_nobody_is_compared_with_what_was_not_recorded() -> None:
    known = one(node("app==1", recipe=built_with("tool==1")))
    unknown = one(node("app==1", source=None))

    assert contrasts(compare({"cpu": known, "cuda": unknown})) == []


def test_pre_built_here_and_built_there_is_told_and_their_sources_are_not_compared() -> None:
    built = one(node("app==1", source="sdist"))
    taken = one(node("app==1", source="wheel", pre_built=True))

    assert contrasts(compare({"cpu": built, "cuda": taken})) == [
        Contrast(Aspect.ORIGIN, ("built from source", "pre-built"))
    ]


def test_other_bytes_of_the_source_are_told() -> None:
    here, there = one(node("app==1", source="a")), one(node("app==1", source="b"))

    assert contrasts(compare({"cpu": here, "cuda": there})) == [
        Contrast(Aspect.SOURCE, (digest("a").sha256, digest("b").sha256))
    ]


def test_packages_of_the_system_that_settings_added_are_compared() -> None:
    more = BuiltIn("cpu", "sha256:derived", ("libyaml-dev",))
    here, there = one(node("app==1")), one(replace(node("app==1"), image=more))

    assert contrasts(compare({"cpu": here, "cuda": there})) == [
        Contrast(Aspect.SYSTEM_PACKAGES, ("", "libyaml-dev"))
    ]


def test_wheels_that_were_built_in_another_image_are_gathered() -> None:
    cpu, arm = BuiltIn("cpu", "sha256:cpu"), BuiltIn("aarch64", "sha256:arm")
    own = BuiltIn("aarch64", "sha256:derived", ("libyaml-dev",))
    edges = (ASKED, edge("", "lib==1"), edge("", "yaml==1"))
    here = graph(*edges)
    taken = [replace(node(of), image=cpu) for of in ("app==1", "lib==1")]
    there = graph(*edges, nodes=[*taken, replace(node("yaml==1"), image=own)])

    found = compare(
        {
            "cpu": replace(here, built_for=BuiltFor("cpu", cpu, "linux/amd64")),
            "arm": replace(there, built_for=BuiltFor("arm", arm, "linux/arm64")),
        }
    )

    assert found.built_elsewhere == (BuiltElsewhere("arm", "cpu", (pin("app==1"), pin("lib==1"))),)


def test_other_requests_are_told() -> None:
    here, there = graph(ASKED), graph(edge("", "app==1", requirement="app<2"))

    assert compare({"cpu": here, "cuda": there}).asked == (
        Contrast(Aspect.REQUIRES, ("app", "app<2"), "app"),
    )


def test_a_requirement_that_cannot_be_read_is_compared_as_it_stands() -> None:
    here, there = graph(ASKED), graph(edge("", "app==1", requirement="%%"))

    assert [contrast.values for contrast in compare({"a": here, "b": there}).asked] == [
        ("", "%%"),
        ("app", ""),
    ]


def test_tags_and_build_tag_are_read_from_the_name() -> None:
    assert wheel_tags("app-1-2-cp313-cp313-linux_x86_64.whl") == "cp313-cp313-linux_x86_64"
    assert build_tag("app-1-2-cp313-cp313-linux_x86_64.whl") == "2"
    assert build_tag("app-1-py3-none-any.whl") == ""
    assert wheel_tags("") == ""


VERSIONS = st.lists(st.sampled_from("123"), min_size=1, max_size=3)


@given(st.lists(VERSIONS, min_size=1, max_size=4))
def test_the_order_of_the_variants_changes_no_verdict(held: list[list[str]]) -> None:
    graphs = {
        str(place): graph(
            ASKED, *(edge("app==1", f"lib=={version}", "install") for version in versions)
        )
        for place, versions in enumerate(held)
    }
    backwards = dict(reversed(graphs.items()))

    found, again = compare(graphs), compare(backwards)

    assert found.agrees == (len({frozenset(versions) for versions in held}) == 1)
    assert disagreeing(found) == disagreeing(again)
    assert [each.pin for each in found.releases] == [each.pin for each in again.releases]
