"""How the difference between variants reads."""

import json
from dataclasses import replace

from builder.cli.variant_table import variant_fields, variant_lines, variants_report
from builder.domain.graph import BuildRecipe, BuiltFor, BuiltIn, DependencyGraph, GraphNode
from builder.graphs.variants import compare
from tests.graphs import built_with, digest, edge, graph, node

ASKED = edge("", "app==1")


def built(of: str, tags: str = "py3-none-any", environment: tuple[str, ...] = ()) -> GraphNode:
    name = of.partition("==")[0]
    filename = f"{name}-1-0-{tags}.whl"
    made = node(of, environment=environment)
    return replace(made, wheel_filename=filename, wheel=digest(filename))


def one(of: GraphNode) -> DependencyGraph:
    return graph(ASKED, nodes=[of])


def test_variants_that_are_the_same_need_two_lines() -> None:
    same = one(built("app==1"))

    assert list(variants_report({"cpu": same, "aarch64": same})) == [
        "1 release, the same versions in cpu and aarch64",
        "1 wheel is bit-identical in both",
    ]


def test_three_variants_are_counted_as_all() -> None:
    same = one(built("app==1"))

    assert list(variants_report({"a": same, "b": same, "c": same})) == [
        "1 release, the same versions in a, b and c",
        "1 wheel is bit-identical in all 3",
    ]


def test_only_what_differs_has_a_row() -> None:
    edges = (ASKED, edge("", "lib==1"))
    here = graph(*edges, nodes=[built("app==1", "cp313-cp313-linux_x86_64"), built("lib==1")])
    there = graph(*edges, nodes=[built("app==1", "cp313-cp313-linux_aarch64"), built("lib==1")])

    assert list(variants_report({"cpu": here, "aarch64": there})) == [
        "2 releases, the same versions in cpu and aarch64",
        "",
        "release  what  cpu                       aarch64",
        "app==1   tags  cp313-cp313-linux_x86_64  cp313-cp313-linux_aarch64",
        "",
        "1 wheel is bit-identical in both",
    ]


def test_everything_can_be_shown() -> None:
    same = one(built("app==1"))
    short = digest("app-1-0-py3-none-any.whl").sha256[:12]

    lines = list(variant_lines(compare({"a": same, "b": same}), everything=True))

    assert f"app==1   wheel  0-py3-none-any {short}  0-py3-none-any {short}" in lines


def test_projects_whose_versions_differ_come_first_and_are_told_once() -> None:
    here = graph(edge("", "app==1"), edge("app==1", "other==1", "build-system"))
    there = graph(edge("", "app==2"))

    assert list(variants_report({"cpu": here, "cuda": there})) == [
        "3 releases; versions of 1 project differ between cpu and cuda",
        "",
        "project  for           cpu  cuda",
        "app      installation  1    2",
        "",
        "release   what       cpu     cuda",
        "other==1  there for  builds  -",
    ]


def test_what_only_one_has_is_told_in_the_verdict() -> None:
    more = graph(ASKED, edge("app==1", "lib==1", "install"))

    (verdict, *_) = variants_report({"a": graph(ASKED), "b": more})

    assert verdict == "2 releases, the same versions in a and b; 1 of them is not in both"


def test_one_cause_in_many_builds_is_told_once() -> None:
    edges = (ASKED, edge("", "lib==1"))
    here, there = (
        graph(*edges, nodes=[built("app==1", environment=e), built("lib==1", environment=e)])
        for e in (("tool==1",), ("tool==1", "tomli==2"))
    )

    lines = list(variants_report({"new": here, "old": there}))

    assert lines[2:4] == [
        "release            what        new  old",
        "app==1 and 1 more  built with  -    tomli==2",
    ]


def test_a_tool_that_a_backend_asked_for_is_not_told_twice() -> None:
    asking = BuildRecipe((), ("ninja",), built_with("ninja==1", "deep==1").environment)
    here, there = one(node("app==1", recipe=asking)), one(node("app==1", recipe=built_with()))

    lines = list(variants_report({"a": here, "b": there}))

    assert [line.split() for line in lines[3:]] == [
        ["app==1", "backend", "asks", "for", "ninja", "-"],
        ["app==1", "built", "with", "deep==1", "-"],
    ]


def test_wheels_of_another_variants_image_are_counted() -> None:
    cpu, arm = BuiltIn("cpu", "sha256:cpu"), BuiltIn("aarch64", "sha256:arm")
    here = replace(one(built("app==1")), built_for=BuiltFor("cpu", cpu, "linux/amd64"))
    taken = one(replace(built("app==1"), image=cpu))
    there = replace(taken, built_for=BuiltFor("arm", arm, "linux/arm64"))

    graphs = {"cpu": here, "arm": there}

    assert "1 wheel of arm was built in the image cpu" in variants_report(graphs)
    fields = variant_fields(compare(graphs))
    image = {"name": "cpu", "id": "sha256:cpu", "system_packages": []}
    told = json.loads(json.dumps(fields))
    assert told["built_for"]["cpu"] == {
        "variant": "cpu",
        "platform": "linux/amd64",
        "image": image,
    }
    assert told["releases"][0]["in"]["arm"]["built_in"] == image


def test_what_came_from_upstream_cannot_command_the_terminal() -> None:
    hostile = replace(built("app==1"), wheel_filename="app-1-\x1b[2Jpy3\n-none-any.whl")

    text = "\n".join(variants_report({"a\x1b[1m": one(hostile), "b\u202e": one(built("app==1"))}))

    assert not [character for character in text if character != "\n" and ord(character) < 32]
    assert "\u202e" not in text


def test_endless_requirements_are_clipped() -> None:
    asked = graph(edge("", "app==1", requirement=f"app>={'0' * 1000}1"))

    lines = list(variants_report({"a": asked, "b": graph(ASKED)}))

    assert max(map(len, lines)) < 200


def test_as_json_everything_is_there() -> None:
    here = one(built("app==1"))
    there = one(built("app==1", "cp313-cp313-linux_aarch64"))

    fields = json.loads(json.dumps(variant_fields(compare({"cpu": here, "aarch64": there}))))

    assert fields["versions_agree"] is True
    assert fields["projects"] == [
        {
            "name": "app",
            "installed_agree": True,
            "builds_agree": True,
            "versions": {
                "cpu": {"installed": ["1"], "for_builds": []},
                "aarch64": {"installed": ["1"], "for_builds": []},
            },
        }
    ]
    (release,) = fields["releases"]
    assert release["key"] == "app==1"
    assert release["in"]["cpu"]["wheel"] == "app-1-0-py3-none-any.whl"
    assert [each["what"] for each in release["differences"]] == ["tags", "wheel"]
    assert release["differences"][0]["values"] == {
        "cpu": "py3-none-any",
        "aarch64": "cp313-cp313-linux_aarch64",
    }
