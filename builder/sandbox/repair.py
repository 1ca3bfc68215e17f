"""Makes a wheel one that runs on other systems: grafts libraries of this image into it.

What does it is auditwheel, which is mounted beside this agent with all that it needs: nothing of
the image's own Python packages is seen. It is called as a command, because only that is promised.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from typing import Any

TOOL = "/auditwheel"
OUT = "/out"
_LAUNCH = (
    f"import sys; sys.path.insert(0, {TOOL!r}); sys.argv[0] = 'auditwheel'; "
    "from auditwheel.main import main; sys.exit(main())"
)
_OLDEST_PYTHON = (3, 10)
_REASON = re.compile(r"(?:[\w.]+: )*error: (.*)|[A-Za-z_.]+(?:Error|Exception): (.*)")
_PLACES = re.compile(r'"[^" ]*/([^/" ]+\.whl)"')


def run(task: dict[str, Any]) -> dict[str, Any]:
    """Repairs /in/WHEEL to a policy; `auto` is the most general that its contents allow."""
    lacking = _lacking()
    if lacking is not None:
        return _refused(lacking, "take an image that has it, or name it in system_packages")
    wheel = os.path.join("/in", task["wheel"])
    shown = _auditwheel("show", "--json", wheel)
    facts = _facts(shown.stdout)
    if "error" in facts:
        return {"status": "nothing", "reason": str(facts["error"])}
    if shown.returncode or "external_libs" not in facts:
        return _refused(_reason(shown), "")
    asked = ["--plat", task["platform"]]
    if task["platform"] != "auto":
        asked.append("--only-plat")
    done = _auditwheel("repair", *asked, "--wheel-dir", OUT, wheel)
    made = [name for name in os.listdir(OUT) if name.endswith(".whl")]
    if done.returncode or len(made) != 1:
        allowed = f"its symbols allow {facts['sym_tag']}" if "sym_tag" in facts else ""
        return _refused(_reason(done), allowed)
    libraries = _grafted(wheel, os.path.join(OUT, made[0]), facts["external_libs"])
    return {"status": "repaired", "wheel": made[0], "libraries": libraries}


def _refused(reason: str, hint: str) -> dict[str, Any]:
    return {"status": "unrepairable", "reason": reason, "hint": hint}


def _lacking() -> str | None:
    if sys.version_info < _OLDEST_PYTHON:
        return "the image's Python is older than 3.10, which auditwheel needs"
    if shutil.which("patchelf") is None:
        return "the image has no patchelf"
    return None


def _auditwheel(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Runs it, and prints what it says of its doings, for the log."""
    print("$ auditwheel", *arguments, flush=True)
    command = [sys.executable, "-I", "-S", "-B", "-c", _LAUNCH, *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", check=False, cwd=OUT
    )
    print(done.stderr, end="", flush=True)
    return done


def _facts(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _reason(done: "subprocess.CompletedProcess[str]") -> str:
    """The last thing that it said was wrong, without the places of this container."""
    for line in reversed(done.stderr.splitlines()):
        found = _REASON.fullmatch(line.strip())
        if found:
            return _PLACES.sub(r"\1", found[1] or found[2])
    return f"auditwheel ended with exit status {done.returncode}"


def _grafted(
    before: str, after: str, external: dict[str, str | None]
) -> list[dict[str, str | None]]:
    """The libraries that a repaired wheel has and had not, and where each is from."""
    with zipfile.ZipFile(before) as old, zipfile.ZipFile(after) as new:
        had = set(old.namelist())
        added = sorted(
            name for name in new.namelist() if name not in had and not name.endswith("/")
        )
    origins = {
        _grafted_name(path): (soname, path) for soname, path in external.items() if path is not None
    }
    found = []
    for name in added:
        if os.path.basename(name) in origins:
            soname, path = origins[os.path.basename(name)]
            package, version = _package_of(path)
            one = {"file": name, "soname": soname, "package": package, "version": version}
            found.append(one)
    return found


def _grafted_name(path: str) -> str:
    """What auditwheel calls its copy of a library."""
    base, _, rest = os.path.basename(path).partition(".")
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()[:8]
    return f"{base}-{digest}.{rest}"


def _package_of(path: str) -> tuple[str | None, str | None]:
    """The package of the image that has a file, and its version; none where nobody knows."""
    for place in _other_names(path):
        if shutil.which("dpkg-query"):
            owner = _said("dpkg-query", "--search", place)
            package = owner.partition(": ")[0]
            if package and "," not in package:
                version = _said("dpkg-query", "--show", "--showformat=${Version}", package)
                return package.partition(":")[0], version or None
        elif shutil.which("rpm"):
            owner = _said("rpm", "-q", "--queryformat", "%{NAME} %{EVR}", "--file", place)
            package, _, version = owner.partition(" ")
            if version and " " not in version:
                return package, version
    return None, None


def _other_names(path: str) -> list[str]:
    """A file's own name, and those that it has where /lib and /usr/lib are one folder."""
    real = os.path.realpath(path)
    return list(dict.fromkeys([path, real, real.removeprefix("/usr"), f"/usr{path}"]))


def _said(*command: str) -> str:
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        errors="replace",
        check=False,
    )
    return done.stdout.strip() if done.returncode == 0 else ""
