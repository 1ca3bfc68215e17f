"""The agent that runs inside containers: its files, copied to one folder, named by their digest."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from builder.workflows.laid_down import LaidDown, lay_down

_SANDBOX = Path(__file__).parent.parent / "sandbox"
_LIBRARIES = ("pyproject_hooks", "tomlkit")


@dataclass(frozen=True)
class Agent(LaidDown):
    """A folder to mount at /agent, and the digest of all that is in it."""


def install_agent(cache: Path) -> Agent:
    """Copies the agent and what it imports below the cache, unless they are there already.

    Raises:
        StorageError: the cache cannot be written.
    """
    made = lay_down(_files(), cache / "agent")
    return Agent(made.folder, made.digest)


def _files() -> dict[str, Path]:
    roots = [("", _SANDBOX), *((f"{name}/", installed(name)) for name in _LIBRARIES)]
    return {
        prefix + str(path.relative_to(root)): path
        for prefix, root in roots
        for path in sorted(root.rglob("*.py"))
    }


def installed(library: str) -> Path:
    """The folder of a library that came with this program."""
    found = importlib.util.find_spec(library)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(library)
    return Path(found.origin).parent
