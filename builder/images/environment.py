"""What an `image.yaml` may give to every build in its image: variables, and folders of programs."""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator

from builder.build.task import fixed_variables, job_variables

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
_FOLDER = re.compile(r"(?:/[A-Za-z0-9_+-][A-Za-z0-9._+-]*)+")
_MAX_VALUE = 127 << 10
"""Bytes; Linux takes 128 KiB as one variable, with its name."""

_TAKEN: Mapping[str, str] = {
    **dict.fromkeys(("BUILDER_VARIANT", "FROMAGER_VARIANT"), "tells builds their variant"),
    **{name: "is the same in every build" for name, _ in fixed_variables(0)},
    **{name: "says how many jobs a build may run (--jobs)" for name, _ in job_variables(1)},
    "PATH": "is made of the folders under `path:` and of those that every build has",
}
"""Variables that no image sets, and why."""


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(f"{text!r} cannot name a variable: use letters, digits and '_'")
    if text in _TAKEN:
        raise ValueError(f"it {_TAKEN[text]}, so no image can set it")
    return text


def _value(text: str) -> str:
    if "\0" in text:
        raise ValueError("no variable can hold a NUL")
    try:
        length = len(text.encode())
    except UnicodeEncodeError as error:
        raise ValueError("its value is no UTF-8") from error
    if length > _MAX_VALUE:
        raise ValueError(f"its value is longer than {_MAX_VALUE} bytes")
    return text


def _folder(text: str) -> str:
    if not _FOLDER.fullmatch(text):
        raise ValueError(f"{text!r} is no folder: write it from the root on, such as /opt/tool/bin")
    return text


Environment = dict[Annotated[str, AfterValidator(_name)], Annotated[str, AfterValidator(_value)]]
"""Variables, whose values are taken as they are."""
Folder = Annotated[str, AfterValidator(_folder)]
"""A folder of programs in the image."""
