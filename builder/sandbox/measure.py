"""A fixed piece of work, to compare how fast images run: what compilers and interpreters do much.

The time is that of the processor, so that other work on the host counts little.
"""

import time
from typing import Any

ROUNDS = 300_000


def run(task: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001 - every action takes the task
    """How long it took, in seconds."""
    began = time.process_time()
    work()
    return {"status": "measured", "seconds": time.process_time() - began}


def work() -> int:
    """Branches, calls, small numbers, and words looked up and put together; the same each time."""
    known: dict[str, int] = {}
    state = 1
    for number in range(ROUNDS):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        word = f"name{state % 4093}"
        if state & 1:
            known[word] = known.get(word, 0) + number % 7
        elif word in known:
            state ^= known[word]
    return state ^ len(known)
