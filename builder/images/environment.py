"""What an `image.yaml` may give to every build in its image: variables, and folders of programs."""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator

from builder.build.task import fixed_variables, job_variables

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FOLDER = re.compile(r"(?:/[A-Za-z0-9_+-][A-Za-z0-9._+-]*)+")
_MAX_LENGTH = (128 << 10) - 1
"""What Linux takes as one variable: its name, the sign between, and its value, in bytes."""

_TAKEN: Mapping[str, str] = {
    **dict.fromkeys(("BUILDER_VARIANT", "FROMAGER_VARIANT"), "tells builds their variant"),
    **{name: "is the same in every build" for name, _ in fixed_variables(0)},
    **{name: "says how many jobs a build may run (--jobs)" for name, _ in job_variables(1)},
    "PATH": "is made of the folders under `path:` and of those that every build has",
}
"""Variables that no image sets, and why."""


def _variables(given: Mapping[str, str]) -> Mapping[str, str]:
    for name, text in given.items():
        flaw = _flaw_of_name(name) or _flaw_of_text(name, text)
        if flaw:
            raise ValueError(flaw)
    return given


def _flaw_of_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        return f"{name!r} cannot name a variable: use letters, digits and '_'"
    return f"{name} {_TAKEN[name]}, so no image can set it" if name in _TAKEN else ""


def _flaw_of_text(name: str, text: str) -> str:
    if "\0" in text:
        return f"{name}: no variable can hold a NUL"
    try:
        length = len(f"{name}={text}".encode())
    except UnicodeEncodeError:
        return f"{name}: its value is no UTF-8"
    return f"{name}: its value is longer than {_MAX_LENGTH} bytes" if length > _MAX_LENGTH else ""


def _folder(text: str) -> str:
    if not _FOLDER.fullmatch(text):
        raise ValueError(f"{text!r} is no folder: write it from the root on, such as /opt/tool/bin")
    return text


Environment = Annotated[dict[str, str], AfterValidator(_variables)]
"""Variables, whose values are taken as they are."""
Folder = Annotated[str, AfterValidator(_folder)]
"""A folder of programs in the image."""
