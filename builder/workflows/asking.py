"""Asks the agent one thing about the place it is in, and takes its answer as mere bytes."""

from builder.inspect.collect import RefusedOutput, read_small
from builder.workflows.sandbox import RESULT, Interior, Sandbox, Task, in_words


class Unanswered(Exception):  # noqa: N818 - a finding about an image, for whoever asked to tell
    """There is no answer.

    Attributes:
        started: whether the container ended well.
    """

    def __init__(self, reason: str, *, started: bool) -> None:
        super().__init__(reason)
        self.started = started


def ask(sandbox: Sandbox, action: str, interior: Interior | None = None) -> bytes:
    """What the agent says.

    Args:
        sandbox: where to ask.
        action: what is asked, as the agent calls it.
        interior: another image than that of the run.

    Raises:
        EngineError: the engine refused the container.
        Unanswered: it started and left nothing usable; with what it printed.
    """
    printed: list[bytes] = []
    task = Task(name=action, order={"action": action}, interior=interior)
    with sandbox.run(task, printed.append) as finished:
        said = b"".join(printed)[-2000:].decode("utf-8", "replace").strip()
        if not finished.exit.succeeded:
            raise Unanswered(f"{in_words(finished.exit)}: {said}", started=False)
        try:
            return read_small(finished.out, RESULT)
        except RefusedOutput as refused:
            raise Unanswered(f"{refused}: {said}", started=True) from refused
