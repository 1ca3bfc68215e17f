"""`builder wheel show`: what a wheel says of its own build."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import tomlkit

from builder.errors import InputError
from builder.inspect.collect import RefusedOutput
from builder.inspect.described import DescribedWheel, read_described
from builder.workflows.logs import harmless


@click.group("wheel")
def wheel_group() -> None:
    """Look into finished wheels."""


@wheel_group.command("show")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show_command(file: Path, *, as_json: bool) -> None:
    """Show how a wheel was built, as it says itself.

    Settings that were in force, build requirements, and which shared libraries its files need and
    bring. Wheels of Fromager's are read as well; others seldom say anything.
    """
    wheel = _read(file)
    if as_json:
        click.echo(json.dumps(_fields(wheel), indent=2, default=str))
    else:
        click.echo(harmless("\n".join(_lines(wheel))))


def _read(file: Path) -> DescribedWheel:
    try:
        return read_described(file)
    except RefusedOutput as refused:
        raise InputError(f"{file} cannot be shown: {refused}") from refused
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}") from error


def _fields(wheel: DescribedWheel) -> dict[str, object]:
    return {
        "name": wheel.pin.name,
        "version": str(wheel.pin.version),
        "build_tag": wheel.build_tag or None,
        "tags": wheel.tags,
        "settings": wheel.settings,
        "build_system_requires": wheel.build_system_requires,
        "build_backend_requires": wheel.build_backend_requires,
        "build_sdist_requires": wheel.build_sdist_requires,
        "elf_requires": wheel.elf_requires,
        "elf_provides": wheel.elf_provides,
        "elf_unreadable": wheel.elf_unreadable,
        "repair": wheel.repair,
    }


def _lines(wheel: DescribedWheel) -> Iterator[str]:
    settings = None
    if wheel.settings is not None:
        settings = tomlkit.dumps(wheel.settings).rstrip("\n").splitlines()
    yield f"{wheel.pin.name} {wheel.pin.version}"
    yield f"build tag: {wheel.build_tag or 'none'}"
    yield f"tags: {', '.join(wheel.tags)}"
    yield from _part("settings", settings)
    yield from _part("build system requires", wheel.build_system_requires)
    yield from _part("build backend requires", wheel.build_backend_requires)
    yield from _part("libraries that it needs", wheel.elf_requires)
    yield from _part("libraries that it brings", wheel.elf_provides)
    if wheel.elf_unreadable:
        yield from _part("files whose libraries are unknown", wheel.elf_unreadable)
    if wheel.repair is not None:
        yield from _part("libraries that were grafted into it", _grafted(wheel.repair))


def _grafted(repair: Mapping[str, Any]) -> list[str]:
    libraries = repair["libraries"]
    return [
        f"{one.get('file')}: {one.get('package') or 'of no package'} {one.get('version') or ''}"
        for one in libraries
    ]


def _part(title: str, lines: Sequence[str] | None) -> Iterator[str]:
    match lines:
        case None:
            yield f"{title}: not told"
        case []:
            yield f"{title}: none"
        case _:
            yield f"{title}:"
            yield from (f"  {line}".rstrip() for line in lines)
