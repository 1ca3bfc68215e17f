"""Loads the agent's modules from their files: they are no package of the host's."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def load(name: str) -> ModuleType:
    """A module of the agent, under a name that nothing else has."""
    path = Path(__file__).parents[3] / "builder" / "sandbox" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"agent_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
