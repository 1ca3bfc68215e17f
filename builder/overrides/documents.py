"""Reads YAML that people wrote: bounded, every key as it is written, and with its line."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from builder.overrides.problems import Problem

MAX_BYTES = 1 << 20
MAX_NODES = 100_000
_MAP = "tag:yaml.org,2002:map"


@dataclass(frozen=True)
class Document:
    """What a YAML file holds.

    Attributes:
        content: the values; the keys of mappings are the text that stands in the file, so that
            `1.10` stays a version and `on` a name.
    """

    file: Path
    content: object
    root: yaml.Node | None

    def line(self, location: tuple[int | str, ...]) -> int | None:
        """The line of a field, or of the innermost thing around it that the file has."""
        node, line = self.root, None
        for part in location:
            found = _child(node, part)
            if found is None:
                continue
            line, node = found
        return line


class _UnusableYAMLError(ValueError):
    """What is wrong, and in which line."""

    def __init__(self, text: str, mark: yaml.Mark | None) -> None:
        super().__init__(text)
        self.line = None if mark is None else mark.line + 1


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, with mappings whose keys are text."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> Iterator[dict[str, Any]]:
    made: dict[str, Any] = {}
    yield made
    loader.flatten_mapping(node)
    for key, value in node.value:
        made[key.value] = loader.construct_object(value, deep=True)


_Loader.add_constructor(_MAP, _mapping)


def read_document(file: Path) -> Document | Problem:
    """Reads one YAML file; an empty one holds None. What is wrong with it is a Problem."""
    try:
        with file.open("rb") as reader:
            content = reader.read(MAX_BYTES + 1)
    except OSError as error:
        return Problem(file, f"cannot be read: {error.strerror}")
    if len(content) > MAX_BYTES:
        return Problem(file, f"is larger than {MAX_BYTES >> 20} MiB")
    try:
        return _parse(file, content.decode("utf-8"))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        text, line = _explain(error)
        return Problem(file, text, line=line)


def _explain(error: Exception) -> tuple[str, int | None]:
    match error:
        case _UnusableYAMLError():
            return str(error), error.line
        case yaml.MarkedYAMLError(problem_mark=yaml.Mark() as mark):
            return f"is not YAML: {error.problem}", mark.line + 1
        case RecursionError():
            return "is nested too deeply", None
        case _:
            return f"is not YAML: {error}", None


def _parse(file: Path, text: str) -> Document:
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return Document(file, None, None)
        _size(root, {})
        return Document(file, loader.construct_document(root), root)
    finally:
        loader.dispose()


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """How many nodes there are once every alias stands for what it names.

    Raises:
        _UnusableYAMLError: too many, a thing within itself, or a mapping with a bad key.
    """
    size = known.get(id(node))
    if size is not None:
        if size == 0:
            raise _UnusableYAMLError("an alias names what it stands in", node.start_mark)
        return size
    known[id(node)] = 0
    size = 1 + sum(_size(child, known) for child in _children(node))
    if size > MAX_NODES:
        raise _UnusableYAMLError(f"holds more than {MAX_NODES} values", node.start_mark)
    known[id(node)] = size
    return size


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    match node:
        case yaml.SequenceNode():
            yield from node.value
        case yaml.MappingNode():
            _check_keys(node)
            yield from (value for _, value in node.value)
        case _:
            pass


def _check_keys(node: yaml.MappingNode) -> None:
    seen: dict[str, int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _UnusableYAMLError("a key is no plain text", key.start_mark)
        if key.value in seen:
            raise _UnusableYAMLError(
                f"{key.value!r} stands here again, after line {seen[key.value]}", key.start_mark
            )
        seen[key.value] = key.start_mark.line + 1


def _child(node: yaml.Node | None, part: int | str) -> tuple[int, yaml.Node] | None:
    match node:
        case yaml.MappingNode():
            # What a merge brought stands before what the file itself says, which wins.
            for key, value in reversed(node.value):
                if key.value == part:
                    return key.start_mark.line + 1, value
        case yaml.SequenceNode() if isinstance(part, int) and part < len(node.value):
            child = node.value[part]
            return child.start_mark.line + 1, child
    return None
