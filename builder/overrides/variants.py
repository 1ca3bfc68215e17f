"""What names of variants stand for: `variants.yaml`."""

import re
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, RootModel

from builder.domain.variants import Variant
from builder.overrides.checking import Checked, read_settings
from builder.overrides.problems import Problem, require_none
from builder.overrides.schema import Table, Variables

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_EXAMPLE = "cuda-aarch64:"


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(
            f"{text!r} is no name of a variant: letters, digits, '.', '_', '+' and '-' make one"
        )
    return text


def _image(text: str) -> str:
    if not text or not text.isprintable() or " " in text:
        raise ValueError(f"{text!r} is neither the name of an image nor a registry's reference")
    return text


VariantName = Annotated[str, AfterValidator(_name)]


class VariantDefinition(Table):
    """What one name stands for."""

    image: Annotated[str, AfterValidator(_image)] = ""
    """The image, by name or as `REGISTRY/NAME@sha256:…`; without it, the one of the same name."""
    based_on: tuple[VariantName, ...] = ()
    """Variants whose settings, patches, changelog and environment count too, the last one most."""
    environment: Variables = Field(default_factory=dict)
    """Variables of every build, beside those of the image; values are written as in `env`."""
    description: str = ""
    """What it is for, in a few words."""


class VariantsFile(RootModel[dict[VariantName, VariantDefinition]]):
    """`variants.yaml`."""


def read_variants(file: Path) -> Mapping[str, Variant]:
    """Every variant that a file defines, by name; a missing file defines none.

    Raises:
        InputError: the file cannot be used; every problem is named.
    """
    found = check_variants(file)
    if not isinstance(found, Checked):
        require_none(found)
        return {}
    definitions = found.settings.root
    return {name: _variant(name, definitions) for name in definitions}


def check_variants(file: Path) -> Checked[VariantsFile] | tuple[Problem, ...]:
    """The definitions of a file, or everything that is wrong with it; nothing where it is missing.

    What comes back defines no ring.
    """
    if not file.exists():
        return ()
    found = read_settings(file, VariantsFile, example=_EXAMPLE)
    if not isinstance(found, Checked):
        return found
    return tuple(_rings(found)) or found


def unknown_bases(file: Path, known: Collection[str]) -> Iterator[Problem]:
    """Names that variants of a sound file are based on, and that nothing is laid down for."""
    found = check_variants(file)
    if not isinstance(found, Checked):
        return
    names = sorted({*known, *found.settings.root})
    for name, definition in found.settings.root.items():
        for number, base in enumerate(definition.based_on):
            if base not in names:
                close = get_close_matches(base, names, n=1)
                yield Problem(
                    file,
                    f"{base!r} has no settings, no image and no definition",
                    field=f"{name}.based_on[{number}]",
                    line=found.document.line((name, "based_on", number)),
                    hint=f"did you mean {close[0]!r}?" if close else "",
                )


def _rings(found: Checked[VariantsFile]) -> Iterator[Problem]:
    definitions = found.settings.root
    for name in definitions:
        ring = _ring(name, definitions)
        if ring:
            location = (name, "based_on")
            yield Problem(
                found.document.file,
                f"{name!r} would be based on itself: {' → '.join(ring)}",
                field=".".join(location),
                line=found.document.line(location),
                hint="take one of these names out of its based_on",
            )


def _ring(start: str, definitions: Mapping[str, VariantDefinition]) -> tuple[str, ...]:
    """The shortest way from a variant to itself; empty where there is none."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen = {start}
    while ways:
        way = ways.pop(0)
        for base in _bases(way[-1], definitions):
            if base == start:
                return (*way, base)
            if base not in seen:
                seen.add(base)
                ways.append((*way, base))
    return ()


def _bases(name: str, definitions: Mapping[str, VariantDefinition]) -> tuple[str, ...]:
    return definitions[name].based_on if name in definitions else ()


def _variant(name: str, definitions: Mapping[str, VariantDefinition]) -> Variant:
    layers: dict[str, None] = {}
    _lay(name, definitions, layers)
    own = definitions[name]
    return Variant(
        name,
        image=own.image,
        based_on=tuple(layers)[:-1],
        environment=tuple(
            variable
            for layer in layers
            if layer in definitions
            for variable in definitions[layer].environment.items()
        ),
        description=own.description,
    )


def _lay(name: str, definitions: Mapping[str, VariantDefinition], layers: dict[str, None]) -> None:
    for base in _bases(name, definitions):
        if base not in layers:
            _lay(base, definitions, layers)
    layers[name] = None
