"""Our reader agrees with pip's own on what both accept."""

from pathlib import Path

import pytest
from packaging.requirements import Requirement
from pip._internal.network.session import PipSession
from pip._internal.req.req_file import parse_requirements

from builder.resolve.requirements_file import read_requirements

# The old pip of some virtual environments warns about version numbers as soon as it has a session.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

ZEROS = "0" * 64

FILES = [
    "a\nb==1\n",
    "a \\\n==1",
    "a\\\n==1 # c\\\nb",
    "# c \\\nb",
    "a # c \\\n b",
    "a\\\n# c\nb",
    "a \\\n  # c\nb",
    "a \\",
    "\\\na",
    "a==1\\\\\n2",
    "a\x0cb",
    "\ta  ",
    f"a ;python_version<'3' --hash=sha256:{ZEROS}",
    f"a==1 --hash sha256:{ZEROS} --hash=sha256:{'1' * 64}",
    f"a==1 \\\n    --hash=sha256:{ZEROS} \\\n    --hash=sha256:{'1' * 64}\nb",
    "a @ https://index.example/a.tgz#sha256=00",
    "a @ https://index.example/a.tgz#subdirectory=x  # why",
    "a[b] @ git+https://git.example/a@v1 ; python_version < '3'  # why",
    "a[b,c] >= 1, < 2 ; sys_platform == 'linux' # x",
    "a; python_version < '3' and extra == 'x y'",
    "-r more.txt\nz",
    "-rmore.txt",
    "--requirement=more.txt # x",
    "--requirement 'more.txt'",
    "-c more.txt\na",
    "--constraint=more.txt\na",
    "-i https://index.example/simple/\na",
    "--extra-index-url https://index.example/simple/ --index-url=https://index.example/b\na",
    "--require-hashes\na",
    "a==${THE_VERSION}",
    "a ; os_name == '${THE_VERSION}'",
    "\ufeffa",
    "a\r\nb\r\n",
    "a\u2028b",
]


@pytest.mark.parametrize("text", FILES)
def test_both_read_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("THE_VERSION", "1.5")
    (tmp_path / "more.txt").write_text("m==1\nn\n")
    file = tmp_path / "requirements.txt"
    file.write_bytes(text.encode())

    ours = read_requirements([str(file)], [], {"THE_VERSION": "1.5"}, lambda _: b"")

    assert {
        (str(it.requirement), tuple(sorted(d.sha256 for d in it.hashes)), kind)
        for kind, lines in ((False, ours.requirements), (True, ours.constraints))
        for it in lines
    } == set(_theirs(file))


def _theirs(file: Path) -> list[tuple[str, tuple[str, ...], bool]]:
    with PipSession() as session:
        return [
            (
                str(Requirement(it.requirement)),
                tuple(sorted((it.options or {}).get("hashes", {}).get("sha256", ()))),
                it.constraint,
            )
            for it in parse_requirements(str(file), session)
        ]
