"""The line that tells why a build failed is found among real ones, and a hint says what to do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.domain.builds import Failure, Phase
from builder.domain.containers import ContainerExit, Ending
from builder.record.causes import Cause, cause_of
from builder.record.signs import CauseKind
from tests.facts import pin

PIN = pin("some-pkg==1.0")


def cause(*log: str, reason: str = "build_wheel: SystemExit: 1", **changed: object) -> Cause:
    fields = {"phase": Phase.BUILD, "log_tail": log, **changed}
    return cause_of(Failure(PIN, reason=reason, **fields))  # type: ignore[arg-type]


LINES: dict[CauseKind, dict[str, str]] = {
    CauseKind.MISSING_HEADER: {
        "src/a.c:3:10: fatal error: foo/bar.h: No such file or directory": "foo/bar.h",
        "a.cpp:1:10: fatal error: 'foo.hpp' file not found": "foo.hpp",
        "_mod.c:4:10: fatal error: Python.h: No such file or directory": "python3-dev",
        "x.c:8:10: fatal error: numpy/arrayobject.h: No such file or directory": "add numpy to",
        "x.cc:8:10: fatal error: 'pybind11/pybind11.h' file not found": "add pybind11 to",
        "cc1plus: fatal error: forced.h: No such file or directory": "forced.h",
        'a.cu(1): fatal error: cannot open source file "cublas_v2.h"': "cublas_v2.h",
        "../meson.build:12:0: ERROR: C header 'zstd.h' not found": "zstd.h",
        "Fatal Error: Cannot open module file 'mpi.mod' for reading at (1)": "mpi.mod",
    },
    CauseKind.MISSING_LIBRARY: {
        "/usr/bin/ld: cannot find -lfoo: No such file or directory": "foo",
        "/usr/bin/x86_64-linux-gnu-ld: cannot find -lssl": "ssl",
        "ld.lld: error: unable to find library -lcrypto": "crypto",
        "mold: fatal: library not found: blas": "blas",
        "ImportError: libcudart.so.12: cannot open shared object file: No such file or directory": (
            "libcudart.so.12"
        ),
        "./tool: error while loading shared libraries: libpq.so.5: cannot open shared object "
        "file: No such file or directory": "libpq.so.5",
        "Package libffi was not found in the pkg-config search path.": "libffi",
        "No package 'libffi' found": "libffi",
        "Package 'dep', required by 'virtual:world', not found": "dep",
        "configure: error: Package requirements (glib-2.0 >= 2.56) were not met:": "glib-2.0",
        '../meson.build:90:11: ERROR: Dependency "openblas" not found, tried pkgconfig': "openblas",
        "meson.build:7:0: ERROR: C shared or static library 'm17n' not found": "m17n",
        "  Could NOT find OpenSSL, try to set the path to OpenSSL root folder in the": "OpenSSL",
        '  Could not find a package configuration file provided by "Arrow" with any of': "Arrow",
        "  The system library `libudev` required by crate `libudev-sys` was not found.": "libudev",
        "The headers or library files could not be found for avif,": "avif",
        "Exception: Can not find valid pkg-config name.": "what is missing",
    },
    CauseKind.MISSING_TOOL: {
        "error: command 'gcc' failed: No such file or directory": "gcc",
        "error: command 'x86_64-linux-gnu-g++' failed: No such file or directory": "g++",
        "unable to execute 'swig': No such file or directory": "swig",
        "FileNotFoundError: [Errno 2] No such file or directory: 'cmake'": "cmake",
        "/bin/sh: 1: bison: not found": "bison",
        "./configure: line 5230: flex: command not found": "flex",
        "bash: nasm: command not found": "nasm",
        "make[2]: gfortran: No such file or directory": "gfortran",
        "make: cc: Command not found": "cc",
        "/usr/bin/env: \N{LEFT SINGLE QUOTATION MARK}node\N{RIGHT SINGLE QUOTATION MARK}: "
        "No such file or directory": "node",
        "error: linker `cc` not found": "cc",
        '  error occurred in cc-rs: failed to find tool "c++": No such file or directory': "c++",
        "  is `cmake` not installed?": "cmake",
        "Could not find `protoc`. If `protoc` is installed, try setting PROTOC": "protoc",
        "error: can't find Rust compiler": "Rust",
        "Cargo, the Rust package manager, is not installed or is not on PATH.": "Cargo",
        "Error: pg_config executable not found.": "pg_config",
        "../meson.build:5:0: ERROR: Program 'cython' not found or not executable": "cython",
        "../meson.build:1:0: ERROR: Unknown compiler(s): [['gfortran'], ['flang']]": "gfortran",
        '  CMake was unable to find a build program corresponding to "Ninja".  CMAKE_MAKE_PROGRAM'
        " is not set.": "Ninja",
        "  No CMAKE_CXX_COMPILER could be found.": "CMAKE_CXX_COMPILER",
        "configure: error: no acceptable C compiler found in $PATH": "C compiler",
        "CMakeNotFoundError: Could not find CMake with version >=3.26": "CMake",
    },
    CauseKind.MISSING_MODULE: {
        "ModuleNotFoundError: No module named 'Cython'": "Cython",
        "ModuleNotFoundError: No module named 'foo.bar'": "foo.bar",
        "ImportError: No module named pkgconfig": "pkgconfig",
        "/usr/bin/python3: No module named pip": "pip",
        "ModuleNotFoundError: No module named 'distutils'": "older setuptools",
        "ModuleNotFoundError: No module named 'pkg_resources'": "older setuptools",
        "ImportError: cannot import name 'Log' from 'setuptools.log' (/env/x.py)": "setuptools.log",
        "pyproject_hooks._impl.BackendUnavailable: Cannot import 'mesonpy'": "mesonpy",
        "../meson.build:8:0: ERROR: python3 is missing modules: numpy": "numpy",
        "distutils.errors.DistutilsError: Could not find suitable distribution for "
        "Requirement.parse('cffi>=1.0')": "cffi>=1.0",
        "src/a.pyx:4:8: 'numpy/random.pxd' not found": "numpy/random",
        "pkg_resources.DistributionNotFound: The 'six' distribution was not found": "six",
        "importlib.metadata.PackageNotFoundError: No package metadata was found for mod": "mod",
    },
    CauseKind.NETWORK: {
        "fatal: unable to access 'https://git.example/a/b/': Could not resolve host: git.example": (
            "git.example"
        ),
        "curl: (6) Could not resolve host: files.example": "files.example",
        "wget: unable to resolve host address \N{LEFT SINGLE QUOTATION MARK}files.example"
        "\N{RIGHT SINGLE QUOTATION MARK}": "files.example",
        "  [6] Could not resolve hostname (Could not resolve host: index.example)": "no network",
        "ssh: Could not resolve hostname git.example: Temporary failure in name resolution": (
            "git.example"
        ),
        "urllib.error.URLError: <urlopen error [Errno -3] Temporary failure in name resolution>": (
            "no network"
        ),
        "socket.gaierror: [Errno -2] Name or service not known": "no network",
        "OSError: [Errno 101] Network is unreachable": "no network",
        "urllib3.exceptions.MaxRetryError: HTTPSConnectionPool(host='files.example', port=443): "
        "Max retries exceeded with url: /x": "files.example",
        "fatal: unable to access: Could not resolve proxy: proxy.example": "proxy.example",
        "npm error request to x failed, reason: getaddrinfo EAI_AGAIN npm.example": "npm.example",
        "go: dial tcp: lookup proxy.example on [::1]:53: read udp": "proxy.example",
        "curl: (7) Failed to connect to files.example port 443 after 3 ms": "files.example",
        "  attempting to make an HTTP request, but --offline was specified": "no network",
        "error: failed to download from `https://crates.example/api/v1/x`": "crates.example",
    },
    CauseKind.OUT_OF_MEMORY: {
        "c++: fatal error: Killed signal terminated program cc1plus": "--memory",
        "g++: internal compiler error: Killed (program cc1plus)": "--memory",
        "virtual memory exhausted: Cannot allocate memory": "--memory",
        "cc1plus: out of memory allocating 65536 bytes after a total of 99 bytes": "--memory",
        "LLVM ERROR: out of memory": "--memory",
        "clang++: error: unable to execute command: Killed": "--memory",
        "collect2: fatal error: ld terminated with signal 9 [Killed]": "--memory",
        "nvcc error   : 'cicc' died due to signal 9 (Kill signal)": "--memory",
        "  process didn't exit successfully: `rustc` (signal: 9, SIGKILL: kill)": "--memory",
        "error: command '/usr/bin/gcc' failed with exit code -9": "--memory",
        "terminate called after throwing an instance of 'std::bad_alloc'": "--memory",
        "memory allocation of 1073741824 bytes failed": "--memory",
        "MemoryError": "--memory",
    },
    CauseKind.DISK_FULL: {
        "/tmp/ccq.s: fatal error: error writing to /tmp/ccq.s: No space left on device": "space",
        "OSError: [Errno 28] No space left on device: '/build/x'": "space",
        "OSError: [Errno 122] Disk quota exceeded": "space",
    },
    CauseKind.DIGEST_MISMATCH: {
        "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.": "known",
        "  failed to verify the checksum of `serde v1.0.1`": "known",
        "error: the listed checksum of `/build/vendor/a/src/lib.rs` has changed:": "patch",
        "meson.build:4:0: ERROR: Incorrect hash for source:": "known",
    },
    CauseKind.UNRESOLVABLE: {
        "pip._vendor.resolvelib.resolvers.ResolutionImpossible: [x]": "loosen",
        "error: failed to select a version for `serde`.": "loosen",
    },
    CauseKind.COMPILER: {
        "error: package `a v1.0` cannot be built because it requires rustc 1.90 or newer, while "
        "the currently active rustc version is 1.85.1": "image",
        "error: rustc 1.85.1 is not supported by the following package:": "too old",
        "  feature `edition2024` is required": "too old",
        "error: lock file version `4` was found, but this version of Cargo does not": "too old",
        "error: no matching package named `libc` found": "no crate libc",
        "src/a.c:12:5: error: implicit declaration of function \N{LEFT SINGLE QUOTATION MARK}f": "",
        "a.c:(.text+0x1b): undefined reference to `cblas_dgemm'": "",
        "error[E0433]: failed to resolve: use of undeclared crate or module `foo`": "",
        'kernel.cu(42): error: identifier "half2" is undefined': "",
        "nvcc fatal   : Unsupported gpu architecture 'compute_130'": "",
        "src/a.pyx:31:8: undeclared name not builtin: long": "",
        "Error: Symbol \N{LEFT SINGLE QUOTATION MARK}x at (1) has no IMPLICIT type": "",
        "gcc: error: unrecognized command-line option \N{LEFT SINGLE QUOTATION MARK}-mfoo"
        "\N{RIGHT SINGLE QUOTATION MARK}": "",
        "cc1: fatal error: gone.c: No such file or directory": "",
        "error: command '/usr/bin/x86_64-linux-gnu-gcc' failed with exit code 1": "",
        "collect2: error: ld returned 1 exit status": "",
        "error: could not compile `foo` (lib) due to 2 previous errors": "",
    },
    CauseKind.UNKNOWN: {
        "configure: error: cannot run C compiled programs.": "",
        "CMake Error at CMakeLists.txt:3 (message):": "",
        "ValueError: no version was given": "",
        "FileNotFoundError: [Errno 2] No such file or directory: 'README'": "",
        "make: *** [Makefile:12: all] Error 2": "",
    },
}
CASES = {line: (kind, hint) for kind, lines in LINES.items() for line, hint in lines.items()}


@pytest.mark.parametrize("line", CASES)
def test_a_line_tells(line: str) -> None:
    kind, hint = CASES[line]

    found = cause("running build_ext", line, "", "note: this is a note")

    assert (found.kind, found.evidence) == (kind, line.strip())
    assert hint in found.hint


@pytest.mark.parametrize(
    "line",
    [
        "a.c:15:10: fatal error: lber.h: No such file or directory",
        '../cairo/meson.build:31:12: ERROR: Dependency "cairo" not found, tried pkgconfig',
        "FileNotFoundError: [Errno 2] No such file or directory: 'curl-config'",
    ],
)
def test_what_the_image_lacks_is_to_be_named_in_the_settings_of_the_package(line: str) -> None:
    assert "to system_packages in overrides/settings/some_pkg.yaml" in cause(line).hint


QUIET = {
    "what cmake did not find and did not need": "-- Could NOT find Doxygen (missing: DOXYGEN)",
    "a warning": "src/a.c:3:1: warning: unused variable 'x' [-Wunused-variable]",
    "a warning of cython": "warning: src/a.pyx:3:1: Unreachable code",
    "a check": "checking for foo.h... no",
    "a file that is copied": "copying src/error.py -> build/lib/error.py",
    "nothing": "",
}


@pytest.mark.parametrize("what", QUIET)
def test_no_cause_is(what: str) -> None:
    assert cause(QUIET[what]) == Cause(CauseKind.UNKNOWN)


def test_a_line_that_only_sums_up_loses() -> None:
    found = cause(
        "a.c:1:10: fatal error: foo.h: No such file or directory",
        "compilation terminated.",
        "error: command '/usr/bin/gcc' failed with exit code 1",
        "ninja: build stopped: subcommand failed.",
    )

    assert found.kind is CauseKind.MISSING_HEADER


def test_of_telling_lines_the_last_one_wins() -> None:
    found = cause(
        "conftest.c:1:10: fatal error: optional.h: No such file or directory",
        "configure: optional.h is not there, which is fine",
        "/usr/bin/ld: cannot find -lneeded",
    )

    assert (found.kind, found.evidence) == (
        CauseKind.MISSING_LIBRARY,
        "/usr/bin/ld: cannot find -lneeded",
    )


def test_a_version_in_setup_cfg_is_found_behind_what_setuptools_says_last() -> None:
    file = "/env/lib/python3.13/site-packages/setuptools/config/setupcfg.py"
    line = f'  File "{file}", line 600, in _parse_version'
    last = "setuptools.errors.PackageDiscoveryError: Multiple top-level packages discovered"

    found = cause(line, last)

    assert found.evidence == line.strip()
    assert "setup.cfg takes the version from an attribute" in found.hint


def test_pips_last_word_loses_to_the_network_that_it_tried() -> None:
    warning = "WARNING: Retrying (Retry(total=0)) after: Temporary failure in name resolution"
    last = "ERROR: No matching distribution found for wheel"

    assert cause(warning, last).kind is CauseKind.NETWORK
    assert cause(last).kind is CauseKind.MISSING_MODULE


def test_the_reason_is_the_last_line() -> None:
    found = cause(reason="build_wheel: ModuleNotFoundError: No module named 'Cython'")

    assert found.kind is CauseKind.MISSING_MODULE
    assert "overrides/settings/some_pkg.yaml" in found.hint


ENDINGS = {
    Ending.OUT_OF_MEMORY: CauseKind.OUT_OF_MEMORY,
    Ending.TIMED_OUT: CauseKind.TIMEOUT,
    Ending.TOO_MUCH_OUTPUT: CauseKind.TOO_MUCH_OUTPUT,
    Ending.STOPPED: CauseKind.UNKNOWN,
    Ending.EXITED: CauseKind.MISSING_LIBRARY,
}


@pytest.mark.parametrize("ending", Ending)
def test_how_the_container_ended_says_more_than_any_line(ending: Ending) -> None:
    found = cause("/usr/bin/ld: cannot find -lfoo", ending=ContainerExit(ending, 137, 1.0))

    assert found.kind is ENDINGS[ending]


@pytest.mark.parametrize(
    ("phase", "kind"),
    [(Phase.PATCH, CauseKind.PATCH), (Phase.RESOLVE, CauseKind.UNRESOLVABLE)],
)
def test_where_it_failed_can_say_it_all(phase: Phase, kind: CauseKind) -> None:
    found = cause("MemoryError", reason="patch a/1.patch does not apply: hunk 1", phase=phase)

    assert (found.kind, found.evidence) == (kind, "patch a/1.patch does not apply: hunk 1")


def test_a_package_that_only_waited_has_no_cause_of_its_own() -> None:
    blocked = cause("MemoryError", reason="needs a==1, which failed", blocked_by=pin("a==1"))

    assert blocked.kind is CauseKind.UNKNOWN


@given(st.lists(st.text(max_size=80)), st.text(max_size=80))
def test_no_log_is_too_strange(log: list[str], reason: str) -> None:
    assert cause(*log, reason=reason).kind in CauseKind


def test_names_with_braces_are_only_names() -> None:
    assert "{pin}" in cause("ModuleNotFoundError: No module named '{pin}'").hint
