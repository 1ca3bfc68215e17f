"""Lines that tell why a build failed: what compilers, linkers and build tools print, as a table.

In a pattern, the group `name` is what is missing; a hint names it as {name}, and the settings of
the package as {settings}. In patterns, Q is whatever stands for a quotation mark.
"""

import re
from dataclasses import dataclass
from enum import Enum


class CauseKind(Enum):
    """What stood in the way."""

    MISSING_HEADER = "missing-header"
    MISSING_LIBRARY = "missing-library"
    MISSING_TOOL = "missing-tool"
    MISSING_MODULE = "missing-python-module"
    COMPILER = "compiler-error"
    NETWORK = "network-tried"
    OUT_OF_MEMORY = "out-of-memory"
    TIMEOUT = "timeout"
    TOO_MUCH_OUTPUT = "too-much-output"
    DISK_FULL = "disk-full"
    PATCH = "patch"
    UNRESOLVABLE = "unresolvable"
    DIGEST_MISMATCH = "digest-mismatch"
    UNKNOWN = "unknown"


HINTS = {
    CauseKind.MISSING_HEADER: (
        "add the Debian package that has {name} to system_packages in {settings}, "
        "or its project to the build requirements"
    ),
    CauseKind.MISSING_LIBRARY: (
        "add the Debian package that has {name} for development to system_packages in {settings}"
    ),
    CauseKind.MISSING_TOOL: (
        "add the Debian package that has the program {name} to system_packages in {settings}"
    ),
    CauseKind.MISSING_MODULE: (
        "the source does not name all that it is built with: add the project that has {name} "
        "to project_override.update_build_requires in {settings}"
    ),
    CauseKind.COMPILER: (
        "the source does not fit the compiler, or a library of the image: "
        "try another version, or patch it"
    ),
    CauseKind.NETWORK: (
        "builds have no network: bring what it wants to load{from_name} into the image, "
        "the build requirements or, by a patch, the source"
    ),
    CauseKind.OUT_OF_MEMORY: (
        "give builds more memory with --memory, or lower the number of its jobs with -j "
        "or build_options.memory_per_job_gb in {settings}"
    ),
    CauseKind.TIMEOUT: "give builds more time with --timeout",
    CauseKind.TOO_MUCH_OUTPUT: "the end of its log says what it goes on printing",
    CauseKind.DISK_FULL: (
        "free some space on the disk of --cache-dir, or, where the source is large, in memory"
    ),
    CauseKind.PATCH: "make the patch anew for this version, or put it into the folder of its own",
    CauseKind.UNRESOLVABLE: "loosen what is asked for, or the constraints",
    CauseKind.DIGEST_MISMATCH: (
        "do not build it before it is known who changed what: the index, a mirror, or a patch"
    ),
    CauseKind.UNKNOWN: "",
}


@dataclass(frozen=True)
class Sign:
    """What a line says. `hint` is better than what is said for every cause of the kind."""

    kind: CauseKind
    pattern: re.Pattern[str]
    hint: str = ""


_QUOTES = "'\"`\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}"
_IN_A_SET = re.compile(r"(\[\^(?:\\s)?)Q")


def _signs(kind: CauseKind, *patterns: str | tuple[str, str]) -> tuple[Sign, ...]:
    pairs = (one if isinstance(one, tuple) else (one, "") for one in patterns)
    return tuple(Sign(kind, re.compile(_quoted(text)), hint) for text, hint in pairs)


def _quoted(pattern: str) -> str:
    return _IN_A_SET.sub(lambda found: found[1] + _QUOTES, pattern).replace("Q", f"[{_QUOTES}]")


_BUILD_REQUIREMENT = (
    "it comes with a Python project: add {project} to project_override.update_build_requires "
    "in {settings}"
)
_SETUPTOOLS = (
    "newer releases of Python or setuptools have it no more: add an older setuptools to "
    "project_override.update_build_requires in {settings}"
)

_VERSION_OF_SETUP_CFG = (
    "setup.cfg takes the version from an attribute of a package, before pyproject.toml has said "
    "where packages are: take that line out by a patch, if pyproject.toml gives the version"
)

_RUST_TOO_OLD = (
    "the Rust of the image is too old for it: constrain it to an earlier release, or name an image "
    "with a newer one (`image`) in {settings}"
)
_NO_SUCH_CRATE = (
    "the source has no crate {name}: name the Cargo.toml that asks for it in rust.manifest_paths "
    "in {settings}"
)

SPECIFIC: tuple[Sign, ...] = (
    *_signs(
        CauseKind.DISK_FULL,
        r"No space left on device",
        r"Disk quota exceeded",
    ),
    *_signs(
        CauseKind.OUT_OF_MEMORY,
        r"Killed signal terminated program (?P<name>\S+)",
        r"internal compiler error: Killed",
        r"virtual memory exhausted",
        r"out of memory allocating \d+ bytes",
        r"LLVM ERROR: out of memory",
        r"unable to execute command: Killed",
        r"terminated with signal 9",
        r"died due to signal 9",
        r"\(signal: 9, SIGKILL: kill\)",
        r"failed with exit (?:code|status) -9\b",
        r"std::bad_alloc",
        r"memory allocation of \d+ bytes failed",
        r"JavaScript heap out of memory",
        r"^MemoryError\b",
        r"Cannot allocate memory",
        r"^make(?:\[\d+\])?: \*\*\* \[.*\] Killed",
    ),
    *_signs(
        CauseKind.DIGEST_MISMATCH,
        r"DO NOT MATCH THE HASHES",
        r"failed to verify the checksum of",
        r"the listed checksum of Q.*Q has changed",
        r"checksum for Q.*Q changed between lock files",
        r"HASH mismatch",
        r"Incorrect hash for source",
    ),
    *_signs(
        CauseKind.NETWORK,
        r"[Cc]ould(?: not|n't) resolve (?:host|proxy)(?:name)?:? Q?(?P<name>[\w-]+\.[\w.-]+)",
        r"[Cc]ould(?: not|n't) resolve (?:host|proxy)",
        r"unable to resolve host address Q(?P<name>[^Q]+)Q",
        r"host=Q(?P<name>[\w.-]+)Q, port=\d+\): Max retries exceeded",
        r"Temporary failure in name resolution",
        r"Name or service not known",
        r"[Nn]etwork is unreachable",
        r"getaddrinfo (?:failed|EAI_AGAIN|ENOTFOUND)(?: (?P<name>[\w.-]+))?",
        r"dial tcp: lookup (?P<name>[\w.-]+)",
        r"Failed to establish a new connection",
        r"[Ff]ailed to connect to (?P<name>[\w.-]+) port \d+",
        r"attempting to make an HTTP request, but --offline was specified",
        r"could not get (?P<name>https?://\S+) is the internet available\?",
        r"WrapDB connection failed",
        r"<urlopen error (?:\[Errno -[235]\]|\[Errno 101\])",
        r"[Ff]ailed to (?:download|fetch) (?:from )?Q?(?P<name>https?://[^\sQ]+)",
    ),
    *_signs(
        CauseKind.MISSING_HEADER,
        (
            r"fatal error: Q?(?P<name>Python\.h)Q?(?::| file not found)",
            (
                "add python3-dev, or the like for its interpreter, to `packages` in the image.yaml "
                "of the image"
            ),
        ),
        (
            (
                r"fatal error: Q?(?P<name>(?P<project>numpy|pybind11|nanobind|torch)/[^\sQ]+?)Q?"
                r"(?:: No such file| file not found)"
            ),
            _BUILD_REQUIREMENT,
        ),
        r"fatal error: (?P<name>(?!\S+\.(?:c|cc|cpp|cxx|C|f|f90|o|a|s):)[\w./+-]+)"
        r": No such file or directory",
        r"fatal error: Q(?P<name>[\w./+-]+)Q file not found",
        r"cannot open source file Q(?P<name>[\w./+-]+)Q",
        r"C(?:\+\+)? header Q(?P<name>[\w./+-]+)Q not found",
        r"Cannot open (?:module|include) file Q(?P<name>[^Q]+)Q",
    ),
    *_signs(
        CauseKind.MISSING_LIBRARY,
        r"cannot find -l:?(?P<name>[\w.+-]+)",
        r"unable to find library -l(?P<name>[\w.+-]+)",
        r"library not found: (?:-l)?(?P<name>[\w.+-]+)",
        r"(?P<name>lib[\w.+-]+\.so[\w.]*): cannot open shared object file",
        r"^ERROR: .*\bNo package Q(?P<name>[^Q]+)Q found",
        r"^No package Q(?P<name>[^Q]+)Q found",
        r"Package (?P<name>[\w.+-]+) was not found in the pkg-config search path",
        r"^Package Q(?P<name>[^Q]+)Q, required by Q[^Q]*Q, not found",
        r"Package requirements \((?P<name>[^)]+)\) were not met",
        r"ERROR: Dependency Q(?P<name>[^Q]+)Q (?:not found|is required but not found)",
        r"ERROR: C(?:\+\+)?(?: shared or static| static| shared)? library Q(?P<name>[^Q]+)Q not",
        r"^\s+Could NOT find (?P<name>[^\s,(]+)",
        (
            (
                r"Could not find a package configuration file provided by "
                r"Q(?P<name>(?P<project>pybind11|nanobind))Q"
            ),
            _BUILD_REQUIREMENT,
        ),
        r"Could not find a package configuration file provided by Q(?P<name>[^Q]+)Q",
        r"configure: error: (?P<name>[\w.+-]+) (?:is )?(?:not found|required)",
        r"The system library Q(?P<name>[^Q]+)Q required by crate",
        r"^\s*The headers or library files could not be found for (?P<name>[\w.+-]+)",
        r"Can not find valid pkg-config name",
        r"[Uu]nable to find (?P<name>libclang)",
    ),
    *_signs(
        CauseKind.MISSING_TOOL,
        r"error: command Q(?P<name>[^Q]+)Q failed: No such file",
        r"unable to execute Q(?P<name>[^Q]+)Q: No such file",
        # A bare word was looked for along PATH; README and the like were not.
        r"No such file or directory: Q(?P<name>[a-z][\w+-]*)Q",
        r": (?:line )?\d+: (?P<name>[\w.+/-]+): (?:command )?not found",
        r"sh: (?P<name>[\w.+/-]+): (?:command )?not found",
        r"^make(?:\[\d+\])?: (?P<name>[\w.+/-]+): (?:No such file or directory|Command not found)",
        r"\benv: Q?(?P<name>[\w.+-]+)Q?: No such file or directory",
        r"error: linker Q(?P<name>[^Q]+)Q not found",
        r"[Ff]ailed to find tool(?:\. Is)? Q(?P<name>[^Q]+)Q",
        r"^\s*is Q(?P<name>[^Q]+)Q not installed\?",
        r"[Cc]ould not find Q(?P<name>protoc)Q",
        r"error: can't find (?P<name>Rust) compiler",
        r"^\s*(?:Caused by: )?(?P<name>[Cc]argo|rustc|maturin), .*is not installed or (?:is )?not "
        r"(?:on|in) PATH",
        r"\b(?P<name>pg_config) executable not found",
        r"Program Q(?P<name>[^Q]+)Q not found or not executable",
        r"ERROR: Unknown compiler\(s\): \[+Q(?P<name>[^Q]+)Q",
        r"unable to find a build program corresponding to Q(?P<name>[^Q]+)Q",
        r"No (?P<name>CMAKE_\w+_COMPILER) could be found",
        r"Could not find (?P<name>CMake|Ninja|ninja) with version",
        r"no acceptable (?P<name>C(?:\+\+)? compiler) found in \$PATH",
        r"(?P<name>nvcc) (?:was )?not found",
    ),
    *_signs(
        CauseKind.MISSING_MODULE,
        (r"No module named Q?(?P<name>distutils|pkg_resources)\b", _SETUPTOOLS),
        r"ModuleNotFoundError: No module named Q(?P<name>[^Q]+)Q",
        r"ImportError: No module named Q?(?P<name>[\w.]+)",
        r"ImportError: cannot import name Q[^Q]+Q from (?:partially initialized module )?"
        r"Q(?P<name>[^Q]+)Q",
        r"BackendUnavailable: Cannot import Q(?P<name>[^Q]+)Q",
        r": No module named Q?(?P<name>[\w.]+)Q?$",
        r"is missing modules: (?P<name>[\w.]+)",
        r"Could not find suitable distribution for Requirement\.parse\(Q(?P<name>[^Q]+)Q\)",
        r"^\S+\.(?:pyx|pxd|pxi|py):\d+:\d+: Q(?P<name>[\w./]+)\.pxd?Q not found",
        r"DistributionNotFound: The Q(?P<name>[^Q]+)Q distribution was not found",
        r"PackageNotFoundError: No package metadata was found for (?P<name>\S+)",
    ),
    *_signs(
        CauseKind.UNKNOWN,
        (r"\bsetuptools/config/setupcfg\.py.*, in _parse_version", _VERSION_OF_SETUP_CFG),
    ),
    *_signs(
        CauseKind.UNRESOLVABLE,
        r"ResolutionImpossible",
        r"error: failed to select a version for",
    ),
    *_signs(
        CauseKind.COMPILER,
        (r"requires rustc \d[\d.]* or newer", _RUST_TOO_OLD),
        (r"rustc \d[\d.]*\S* is not supported by the following package", _RUST_TOO_OLD),
        (r"feature Qedition\d+Q is required", _RUST_TOO_OLD),
        (r"lock file version Q?\d+Q? (?:was found|requires)", _RUST_TOO_OLD),
        (r"no matching package (?:named )?Q(?P<name>[^Q]+)Q found", _NO_SUCH_CRATE),
        r"^\S+:\d+(?::\d+)?: (?:fatal )?error: ",
        r"^\S+: fatal error: ",
        r"\(\d+\): (?:catastrophic )?error(?: #\d+)?: ",
        r"undefined (?:reference to|symbol)",
        r"multiple definition of",
        r"^error\[E\d+\]: ",
        r"^nvcc fatal\s*: ",
        r"^\S+\.(?:pyx|pxd|pxi|py):\d+:\d+: ",
        r"^Error: .* at \(\d\)",
        r"internal compiler error: ",
        r"unrecognized command[- ]line option Q(?P<name>[^Q]+)Q",
    ),
)

# These only sum up what a line above them said; alone, they still say in which room it was.
GENERIC: tuple[Sign, ...] = (
    *_signs(
        CauseKind.MISSING_MODULE,
        (
            r"No matching distribution found for (?P<name>\S+)",
            (
                "it wants to install {name} while it is built: add that to "
                "project_override.update_build_requires in {settings}"
            ),
        ),
    ),
    *_signs(
        CauseKind.COMPILER,
        r"error: command Q[^Q]*(?:gcc|g\+\+|cc|c\+\+|clang|clang\+\+|gfortran|nvcc|ld)[\d.-]*Q "
        r"failed with exit (?:code|status)",
        r"collect2: error: ld returned",
        r"error: linking with Q[^Q]+Q failed",
        r"error: could not compile Q",
        r"Cython\.Compiler\.Errors\.CompileError",
        r"linker command failed with exit code",
        r"^compilation terminated",
    ),
    *_signs(
        CauseKind.UNKNOWN,
        r"^configure: error: ",
        r"^CMake Error",
        r"ERROR: ",
        r"^(?:[A-Za-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception)(?:: |$)",
        r"^error: ",
        r"^ninja: (?:error|build stopped)",
        r"^make(?:\[\d+\])?: \*\*\* ",
    ),
)
