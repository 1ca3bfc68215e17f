"""Fromager as its users have it: installed by pip, run as a program, answering in its own words."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

VERSION = "0.77.0"

_OTHERS_BUSINESS = ("FROMAGER_", "UV_", "PIP_", "PYTHON", "VIRTUAL_ENV")
_WHY = re.compile(r"\* \S+ is an (\S+) dependency of (\S+)(?: \(constraint: .*?\))? with req (.+)$")
_WHY_TOP = re.compile(r"\* \S+(?: \(constraint: .*?\))? is a toplevel dependency with req (.+)$")
_DRAWN_NODE = re.compile(r'^ *(\w+) \[label="([^"]*)".* shape=(\w+)( style=dashed)?\]$')
_DRAWN_ARROW = re.compile(r"^ *(\w+) -> (\w+) \[(.*)\]$")


@dataclass(frozen=True)
class Fromager:
    """An installed Fromager.

    Attributes:
        environment: the virtual environment that has it.
        settings: the folder of the packages' settings.
    """

    environment: Path
    settings: Path

    def run(self, folder: Path, *words: str) -> str:
        """What a command prints; its files are those of the folder, which is made if need be.

        Builds are left with the network of this host: not every host lets anyone cut it off.
        """
        folder.mkdir(parents=True, exist_ok=True)
        program = self.environment / "bin/fromager"
        common = ("--settings-dir", str(self.settings), "--no-network-isolation")
        done = subprocess.run(
            [program, *common, *words],
            cwd=folder,
            env=self._variables(),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _variables(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(_OTHERS_BUSINESS)
        }
        loopback = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        return kept | loopback | {"PATH": f"{self.environment / 'bin'}:{os.environ['PATH']}"}


def install(environment: Path) -> None:
    """Makes a virtual environment with Fromager, from wherever pip is told to take packages."""
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python = str(environment / "bin/python")
    install = ["install", "--disable-pip-version-check", "--quiet", f"fromager=={VERSION}"]
    subprocess.run([python, "-m", "pip", *install], check=True)


def reasons(printed: str) -> set[tuple[str, str | None, str]]:
    """What `graph why` says: kind, parent (None for the request) and requirement of each edge."""
    found: set[tuple[str, str | None, str]] = set()
    for line in printed.splitlines():
        if by_package := _WHY.search(line):
            found.add((by_package[1], by_package[2], by_package[3]))
        elif by_request := _WHY_TOP.search(line):
            found.add(("toplevel", None, by_request[1]))
    return found


def constraints(printed: str) -> list[str]:
    """What `graph to-constraints` says, but for the remarks."""
    return [line for line in printed.splitlines() if not line.startswith("#")]


def duplicates(printed: str) -> dict[str, tuple[set[str], set[tuple[str, str]], str | None]]:
    """What `graph explain-duplicates` says: versions, requirements and whose, and what would do."""
    found: dict[str, tuple[set[str], set[tuple[str, str]], str | None]] = {}
    versions: set[str] = set()
    demands: set[tuple[str, str]] = set()
    name = requirement = ""
    for line in printed.splitlines():
        words = line.strip()
        match len(line) - len(line.lstrip()):
            case 0 if words:
                name, versions, demands = words, set(), set()
            case 2 if words.startswith("* "):
                usable = re.search(r"==(\S+) usable by all", words)
                found[name] = (versions, demands, usable[1] if usable else None)
            case 2:
                versions.add(words)
            case 4:
                requirement = words.partition(" matches ")[0]
            case 6:
                demands.add((requirement, words))
            case _:
                pass
    return found


def rounds(printed: str) -> tuple[set[str], list[set[str]]]:
    """What `graph build-graph` says: what builds need, and what is built in each round."""
    lines = printed.splitlines()
    assert lines[0].startswith("Build dependencies")
    numbered = [re.fullmatch(r"\d+\. (.*)", line) for line in lines]
    return (
        set(lines[1].strip().split(", ")),
        [set(line[1].split(", ")) for line in numbered if line],
    )


def drawing(printed: str) -> tuple[dict[str, tuple[str, bool]], set[tuple[str, str, bool]]]:
    """What a DOT file shows: each node's shape, if dashed, and all arrows, if dotted."""
    labels: dict[str, str] = {}
    nodes: dict[str, tuple[str, bool]] = {}
    arrows: set[tuple[str, str, bool]] = set()
    for line in printed.splitlines():
        if node := _DRAWN_NODE.match(line):
            labels[node[1]] = "" if node[2] == "*" else node[2]
            nodes[labels[node[1]]] = (node[3], "dashed" in line)
        elif arrow := _DRAWN_ARROW.match(line):
            arrows.add((labels[arrow[1]], labels[arrow[2]], "style=dotted" in arrow[3]))
    return nodes, arrows
