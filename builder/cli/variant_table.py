"""How the difference between variants reads: the verdict, then only what is worth knowing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from builder.cli.graph_texts import one_line
from builder.cli.results import table
from builder.cli.telling import counted
from builder.domain.graph import BuiltFor, BuiltIn, DependencyGraph, GraphNode
from builder.graphs.contrasts import Aspect, Contrast, build_tag, wheel_tags
from builder.graphs.difference import origin
from builder.graphs.variants import (
    HeldVersions,
    ProjectVersions,
    ReleaseInVariants,
    VariantsTable,
    compare,
)

_WIDEST = 60
_SHORT_DIGEST = 12
_DIGESTS = (Aspect.SOURCE, Aspect.PREPARED, Aspect.BYTES)
_OFTEN_THE_SAME = (Aspect.BUILD_SYSTEM, Aspect.BACKEND, Aspect.BUILT_WITH, Aspect.STAGED_WITH)
"""One cause shows up in many builds in the same way, and is told once."""
_NOTHING = "-"

_Row = tuple[str, ...]


def variants_report(graphs: Mapping[str, DependencyGraph]) -> Iterator[str]:
    """What a person should know of the graphs of several variants, by the variants' names."""
    return variant_lines(compare(graphs))


def variant_lines(found: VariantsTable, *, everything: bool = False) -> Iterator[str]:
    """The verdict, the projects whose versions differ, the releases that do, and the rest counted.

    Args:
        found: what to tell of.
        everything: whether to give each release its rows, the identical ones with them.
    """
    yield _verdict(found)
    names = tuple(map(one_line, found.variants))
    versions = [_version_row(project) for project in found.disagreeing]
    rows = _all_rows(found) if everything else _telling_rows(found)
    tables = [
        *_table(("project", "for", *names), versions),
        *_table(("release", "what", *names), rows),
    ]
    counts = list(_counts(found))
    yield from tables
    if tables and counts:
        yield ""
    yield from counts


def _verdict(found: VariantsTable) -> str:
    names = _and([one_line(name) for name in found.variants])
    count = counted(len(found.releases), "release")
    if not found.agrees:
        apart = counted(len(found.disagreeing), "project")
        return f"{count}; versions of {apart} differ between {names}"
    somewhere = sum(None in release.nodes for release in found.releases)
    if not somewhere:
        return f"{count}, the same versions in {names}"
    are = "is" if somewhere == 1 else "are"
    return f"{count}, the same versions in {names}; {somewhere} of them {are} not in {_each(found)}"


def _each(found: VariantsTable) -> str:
    return "both" if len(found.variants) == 2 else f"all {len(found.variants)}"


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _version_row(project: ProjectVersions) -> _Row:
    apart = (("installation", project.installed_agree), ("builds", project.builds_agree))
    places = ", ".join(place for place, agrees in apart if not agrees)
    return (project.name, places, *(_versions(one) for one in project.held))


def _versions(held: HeldVersions) -> str:
    installed, for_builds = (
        ", ".join(map(str, versions)) for versions in (held.installed, held.for_builds)
    )
    if not for_builds:
        return installed
    return f"{installed}; for builds {for_builds}" if installed else f"for builds {for_builds}"


def _telling_rows(found: VariantsTable) -> list[_Row]:
    rows = [("the request", *_words(contrast)) for contrast in found.asked]
    apart = {project.name for project in found.disagreeing}
    grouped: dict[Contrast, list[ReleaseInVariants]] = {}
    for release in found.releases:
        for contrast in _telling(release.contrasts):
            if contrast.aspect is Aspect.HELD_FOR and release.pin.name in apart:
                continue
            if contrast.aspect in _OFTEN_THE_SAME:
                grouped.setdefault(contrast, []).append(release)
            else:
                rows.append((str(release.pin), *_words(contrast)))
    for contrast, releases in grouped.items():
        more = f" and {len(releases) - 1} more" if len(releases) > 1 else ""
        rows.append((f"{releases[0].pin}{more}", *_words(contrast)))
    return rows


def _telling(contrasts: Iterable[Contrast]) -> Iterator[Contrast]:
    """Without bytes, which are counted, and without the tool that came because it was asked for."""
    asked: set[str] = set()
    for contrast in contrasts:
        came = contrast.aspect is Aspect.BUILT_WITH and contrast.about in asked
        if contrast.aspect is not Aspect.BYTES and not (came and "" in contrast.values):
            yield contrast
        if contrast.aspect in (Aspect.BUILD_SYSTEM, Aspect.BACKEND):
            asked.add(contrast.about)


def _all_rows(found: VariantsTable) -> list[_Row]:
    rows = [("the request", *_words(contrast)) for contrast in found.asked]
    for release in found.releases:
        rows.append((str(release.pin), "wheel", *map(_wheel, release.nodes)))
        told = (Aspect.TAGS, Aspect.BUILD_TAG, Aspect.BYTES)
        rows += [
            (str(release.pin), *_words(contrast))
            for contrast in release.contrasts
            if contrast.aspect not in told
        ]
    return rows


def _wheel(node: GraphNode | None) -> str:
    if node is None:
        return ""
    if node.wheel is None:
        return "none yet"
    filename = node.wheel_filename
    tags = "-".join(filter(None, (build_tag(filename), wheel_tags(filename))))
    return f"{tags} {node.wheel.sha256[:_SHORT_DIGEST]}"


def _words(contrast: Contrast) -> _Row:
    """What differs, and how it is in each variant."""
    return (contrast.aspect.value, *(_value(contrast, value) for value in contrast.values))


def _value(contrast: Contrast, value: str | None) -> str:
    if value is None:
        return ""
    return (value[:_SHORT_DIGEST] if contrast.aspect in _DIGESTS else value) or _NOTHING


def _counts(found: VariantsTable) -> Iterator[str]:
    several = [release for release in found.releases if release.in_several]
    identical = sum(release.is_bit_identical for release in several)
    bytes_alone = sum(release.differs_in_bytes_alone for release in several)
    if identical:
        are = "is" if identical == 1 else "are"
        yield f"{counted(identical, 'wheel')} {are} bit-identical in {_each(found)}"
    for one in found.built_elsewhere:
        were = "was" if len(one.pins) == 1 else "were"
        wheels = f"{counted(len(one.pins), 'wheel')} of {one_line(one.variant)}"
        yield f"{wheels} {were} built in the image {one_line(one.image)}"
    if bytes_alone:
        differ = "differs" if bytes_alone == 1 else "differ"
        yield f"{counted(bytes_alone, 'wheel')} {differ} in the bytes alone"


def _table(headings: _Row, rows: Sequence[_Row]) -> Iterator[str]:
    """An empty line and a table; nothing where there are no rows."""
    if rows:
        clipped = [tuple(_clipped(cell) for cell in row) for row in rows]
        yield from ("", *table(headings, clipped).splitlines())


def _clipped(text: str) -> str:
    """One harmless line, of a width that leaves room for the other variants."""
    line = one_line(text)
    return line if len(line) <= _WIDEST else f"{line[: _WIDEST - 1]}…"


def variant_fields(found: VariantsTable) -> dict[str, object]:
    """Everything, whole."""
    return {
        "variants": list(found.variants),
        "versions_agree": found.agrees,
        "built_for": {
            variant: one and _built_for_fields(one)
            for variant, one in zip(found.variants, found.built_for, strict=True)
        },
        "request": [_contrast_fields(found, one) for one in found.asked],
        "projects": [
            {
                "name": project.name,
                "installed_agree": project.installed_agree,
                "builds_agree": project.builds_agree,
                "versions": {
                    variant: {
                        "installed": list(map(str, held.installed)),
                        "for_builds": list(map(str, held.for_builds)),
                    }
                    for variant, held in zip(found.variants, project.held, strict=True)
                },
            }
            for project in found.projects
        ],
        "releases": [
            {
                "key": str(release.pin),
                "bit_identical": release.is_bit_identical,
                "in": {
                    variant: _node_fields(node, held_for)
                    for variant, node, held_for in zip(
                        found.variants, release.nodes, release.held_for, strict=True
                    )
                    if node is not None
                },
                "differences": [_contrast_fields(found, one) for one in release.contrasts],
            }
            for release in found.releases
        ],
    }


def _node_fields(node: GraphNode, held_for: str) -> dict[str, object]:
    return {
        "there_for": held_for,
        "origin": origin(node),
        "source_sha256": node.source and node.source.sha256,
        "wheel": node.wheel_filename or None,
        "wheel_sha256": node.wheel and node.wheel.sha256,
        "built_in": node.image and _image_fields(node.image),
    }


def _built_for_fields(built_for: BuiltFor) -> dict[str, object]:
    return {
        "variant": built_for.variant,
        "platform": built_for.platform,
        "image": _image_fields(built_for.image),
    }


def _image_fields(image: BuiltIn) -> dict[str, object]:
    return {
        "name": image.name,
        "id": image.identifier,
        "system_packages": list(image.system_packages),
    }


def _contrast_fields(found: VariantsTable, contrast: Contrast) -> dict[str, object]:
    fields: dict[str, object] = {"what": contrast.aspect.value}
    if contrast.about:
        fields["about"] = contrast.about
    return fields | {"values": dict(zip(found.variants, contrast.values, strict=True))}
