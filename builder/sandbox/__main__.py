"""Runs one task inside a container: reads /in/task.json, leaves /out/result.json.

The standard library, pyproject-hooks and tomlkit are all there is. Nothing here is ever imported
by the host, and the host believes nothing that it finds in the result before checking it.
"""

import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

import bytecode
import crates
import describe
import hooks
import measure
import prepare
import probe
import repair
from archive import ArchiveRefusedError

TASK = "/in/task.json"
RESULT = "/out/result.json"

ACTIONS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "prepare": prepare.run,
    "look": prepare.look,
    "survey crates": crates.survey,
    "fetch crates": crates.fetch,
    "settle crates": crates.settle,
    "build": hooks.run,
    "bytecode": bytecode.run,
    "describe": describe.run,
    "probe": probe.run,
    "repair": repair.run,
    "measure": measure.run,
}


def main() -> int:
    """Runs the task; the exit status says only whether a result was left."""
    os.umask(0o022)
    # One stream, so that a log has everything in the order in which it was printed.
    os.dup2(1, 2)
    with open(TASK, encoding="utf-8") as file:
        task = json.load(file)
    try:
        result = ACTIONS[task["action"]](task)
    except ArchiveRefusedError as refused:
        result = {"status": "refused", "reason": str(refused)}
    except Exception as error:  # noqa: BLE001 - whatever went wrong is the result
        traceback.print_exc()
        result = {"status": "broken", "reason": f"{type(error).__name__}: {error}"}
    with open(RESULT, "w", encoding="utf-8") as file:
        json.dump(result, file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
