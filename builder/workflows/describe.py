"""Asks an image what Python it has, once for each image."""

import json

from pydantic import ValidationError

from builder.domain.digests import Digest
from builder.domain.images import TargetPython
from builder.domain.targets import Description, target_python
from builder.errors import ImageError
from builder.ports import Store
from builder.workflows.asking import Unanswered, ask
from builder.workflows.sandbox import Interior, Sandbox


def describe_target(
    sandbox: Sandbox, store: Store, interior: Interior | None = None
) -> TargetPython:
    """What wheels are built for. The answer is remembered in the store.

    Args:
        sandbox: where to ask.
        store: where the answer is kept.
        interior: another image than that of the run.

    Raises:
        ImageError: the image has no usable Python.
    """
    image = sandbox.image if interior is None else interior.image
    key = Digest.of_bytes(f"describe 1\n{image}\n{sandbox.agent.digest.sha256}".encode())
    answer = store.result(key)
    if answer is None:
        answer = _ask(sandbox, interior)
        store.record(key, answer)
    try:
        return target_python(Description.model_validate(json.loads(answer)))
    except (ValidationError, ValueError) as error:
        raise ImageError(f"the image's Python cannot be used: {error}") from error


def _ask(sandbox: Sandbox, interior: Interior | None) -> bytes:
    try:
        return ask(sandbox, "describe", interior)
    except Unanswered as unanswered:
        if unanswered.started:
            raise ImageError(f"the image's Python left no answer: {unanswered}") from unanswered
        raise ImageError(
            f"the image's Python does not start: {unanswered}",
            hint="an image needs Python 3.9 or newer where image.yaml says `python:`",
        ) from unanswered
