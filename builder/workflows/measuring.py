"""Measures what emulation costs: a fixed piece of work, in the image of a run and natively."""

import json
from collections.abc import Callable

from pydantic import BaseModel, ConfigDict, PositiveFloat, ValidationError

from builder.domain.emulation import Factor
from builder.domain.events import EmulationMeasured, Event, Noted
from builder.errors import BuilderError, EngineError
from builder.workflows.asking import Unanswered, ask
from builder.workflows.sandbox import Interior, Sandbox

_UNUSABLE = "the measurement left no usable result"


class _Measured(BaseModel):
    model_config = ConfigDict(extra="forbid")

    status: str
    seconds: PositiveFloat


def tell_factor(sandbox: Sandbox, native: Interior | None, notify: Callable[[Event], None]) -> None:
    """Measures, and tells the result. It is told, too, where that cannot be had: builds go on.

    Args:
        sandbox: whose image is emulated.
        native: an image that the host's own processor runs, where one is there.
        notify: hears of it.
    """
    try:
        emulated = processor_seconds(sandbox)
        factor = Factor(processor_seconds(sandbox, native), emulated) if native else None
    except BuilderError as error:
        text = f"how much longer emulation takes could not be measured: {error.message}"
        notify(Noted(text, warning=True))
    else:
        notify(EmulationMeasured(sandbox.emulated, factor))


def processor_seconds(sandbox: Sandbox, interior: Interior | None = None) -> float:
    """How long the fixed piece of work keeps a processor busy.

    Args:
        sandbox: where to do it.
        interior: another image than that of the run.

    Raises:
        EngineError: it could not be done.
    """
    try:
        answer = ask(sandbox, "measure", interior)
        return _Measured.model_validate(json.loads(answer)).seconds
    except Unanswered as unanswered:
        if not unanswered.started:
            raise EngineError(str(unanswered)) from unanswered
        raise EngineError(_UNUSABLE) from unanswered
    except (ValidationError, ValueError) as error:
        raise EngineError(_UNUSABLE) from error
