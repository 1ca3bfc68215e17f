"""A wheel passes only if it is sound, and then always in the same bytes."""

import base64
import hashlib
import json
import os
import stat
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from installer.sources import WheelFile
from packaging.requirements import Requirement
from packaging.tags import Tag
from packaging.utils import canonicalize_name
from packaging.version import Version

from builder.domain.releases import Pin
from builder.inspect.collect import RefusedOutput, read_small, take
from builder.inspect.described import read_described
from builder.inspect.description import OwnBuild
from builder.inspect.wheel import CanonicalWheel, canonicalize
from tests.elf_files import SharedObject

PIN = Pin(canonicalize_name("pkg"), Version("1.0"))
TAGS = frozenset(
    Tag("py3", "none", platform) for platform in ("any", "linux_x86_64", "manylinux_2_17_x86_64")
)
NAME = "pkg-1.0-py3-none-any.whl"
PLATFORM_NAME = "pkg-1.0-py3-none-linux_x86_64.whl"
PLATFORM_WHEEL = "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: py3-none-linux_x86_64\n"
INFO = "pkg-1.0.dist-info"


@dataclass(frozen=True)
class Draft:
    """A wheel to be written, with whatever is wrong with it."""

    metadata: str = "Metadata-Version: 2.2\nName: pkg\nVersion: 1.0\nRequires-Dist: other>=1\n"
    wheel: str = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files: dict[str, bytes] = field(default_factory=lambda: {"pkg.py": b"x = 1\n"})
    record: str | None = None
    algorithm: str = "sha256"

    def write(self, path: Path) -> Path:
        files = {
            **self.files,
            f"{INFO}/METADATA": self.metadata.encode(),
            f"{INFO}/WHEEL": self.wheel.encode(),
        }
        lines = [
            f"{name},{self._hash(content)},{len(content)}\n" for name, content in files.items()
        ]
        record = self.record if self.record is not None else "".join(lines)
        with zipfile.ZipFile(path, "w") as out:
            for name, content in files.items():
                out.writestr(name, content)
            out.writestr(f"{INFO}/RECORD", record + f"{INFO}/RECORD,,\n")
        return path

    def _hash(self, content: bytes) -> str:
        digest = base64.urlsafe_b64encode(hashlib.new(self.algorithm, content).digest())
        return f"{self.algorithm}={digest.rstrip(b'=').decode()}"


def check(
    path: Path, folder: Path, name: str = NAME, own_build: OwnBuild | None = None
) -> CanonicalWheel:
    folder.mkdir(exist_ok=True)
    return canonicalize(path, name, PIN, TAGS, 0, folder, own_build)


def test_a_sound_wheel_gets_a_build_tag_and_keeps_its_requirements(tmp_path: Path) -> None:
    made = check(Draft().write(tmp_path / "w.whl"), tmp_path / "out")

    assert made.filename == "pkg-1.0-0-py3-none-any.whl"
    assert [str(one) for one in made.metadata.requires] == ["other>=1"]
    with zipfile.ZipFile(tmp_path / "out" / made.filename) as archive:
        assert archive.namelist()[-1] == f"{INFO}/RECORD"
        assert b"Build: 0" in archive.read(f"{INFO}/WHEEL")


def test_order_times_and_modes_do_not_matter(tmp_path: Path) -> None:
    files = {"pkg.py": b"x = 1\n", "a.py": b""}
    Draft(files=files).write(tmp_path / "1.whl")
    Draft(files=dict(reversed(files.items()))).write(tmp_path / "2.whl")

    one = check(tmp_path / "1.whl", tmp_path / "one")
    two = check(tmp_path / "2.whl", tmp_path / "two")

    assert (tmp_path / "one" / one.filename).read_bytes() == (
        tmp_path / "two" / two.filename
    ).read_bytes()


def test_a_canonical_wheel_is_its_own_canonical_form(tmp_path: Path) -> None:
    once = check(Draft().write(tmp_path / "w.whl"), tmp_path / "once")

    again = check(tmp_path / "once" / once.filename, tmp_path / "again", once.filename)

    assert again.filename == once.filename
    assert (tmp_path / "once" / once.filename).read_bytes() == (
        tmp_path / "again" / again.filename
    ).read_bytes()


OWN_BUILD = OwnBuild(
    'build_dir = "x"\n',
    (Requirement("setuptools >= 70"),),
    tuple(map(Requirement, ("numpy>=2", "cython", "numpy>=2"))),
)


def described(path: Path) -> dict[str, bytes]:
    """What a wheel says of its build."""
    with zipfile.ZipFile(path) as archive:
        names = (name for name in archive.namelist() if "/fromager-" in name)
        return {name.rpartition("/")[2]: archive.read(name) for name in names}


def test_a_wheel_says_how_it_was_built(tmp_path: Path) -> None:
    shared = SharedObject(soname="libpkg.so.1", needed=("libc.so.6",)).content()
    files = {"pkg/libpkg.so.1": shared, "pkg/bad.so": b"\x7fELF"}
    path = Draft(files=files, wheel=PLATFORM_WHEEL).write(tmp_path / "w.whl")

    made = check(path, tmp_path / "out", PLATFORM_NAME, OWN_BUILD)

    assert made.notes == ()

    path = tmp_path / "out" / made.filename
    assert described(path) == {
        "fromager-build-settings": b'build_dir = "x"\n',
        "fromager-build-system-requirements.txt": b"setuptools>=70\n",
        "fromager-build-backend-requirements.txt": b"cython\nnumpy>=2\n",
        "fromager-build-sdist-requirements.txt": b"cython\nnumpy>=2\n",
        "fromager-elf-requires.txt": b"libc.so.6()(64bit)\n",
        "fromager-elf-provides.txt": b"libpkg.so.1()(64bit)\n",
    }
    with zipfile.ZipFile(path) as archive:
        unreadable = json.loads(archive.read(f"{INFO}/builder-elf-unreadable.json"))
    assert unreadable == ["pkg/bad.so"]


def test_a_wheel_that_says_how_it_was_built_is_as_sound_as_any(tmp_path: Path) -> None:
    path = Draft().write(tmp_path / "w.whl")
    once = check(path, tmp_path / "once", own_build=OWN_BUILD)
    twice = check(path, tmp_path / "twice", own_build=OWN_BUILD)

    again = check(tmp_path / "once" / once.filename, tmp_path / "again", once.filename)

    content = (tmp_path / "once" / once.filename).read_bytes()
    assert content == (tmp_path / "twice" / twice.filename).read_bytes()
    assert content == (tmp_path / "again" / again.filename).read_bytes()
    with WheelFile.open(tmp_path / "once" / once.filename) as source:
        source.validate_record()


def test_a_wheel_says_what_was_made_of_it(tmp_path: Path) -> None:
    said = {"platforms": ["linux_x86_64"], "libraries": [{"file": "pkg.libs/libx-1.so"}]}
    own_build = replace(OWN_BUILD, repair=json.dumps(said).encode())

    made = check(Draft().write(tmp_path / "w.whl"), tmp_path / "out", own_build=own_build)

    found = read_described(tmp_path / "out" / made.filename)
    assert found.repair == said
    assert found.elf_unreadable == ()


@pytest.mark.parametrize("said", [b"{", b"[]", b"{}", b'{"libraries": {}}', b'{"libraries": [1]}'])
def test_what_tells_of_a_repair_in_another_form_is_refused(said: bytes, tmp_path: Path) -> None:
    own_build = replace(OWN_BUILD, repair=said)
    made = check(Draft().write(tmp_path / "w.whl"), tmp_path / "out", own_build=own_build)

    with pytest.raises(RefusedOutput, match=r"builder-repair\.json"):
        read_described(tmp_path / "out" / made.filename)


def test_a_wheel_with_a_library_for_another_machine_is_refused(tmp_path: Path) -> None:
    foreign = Draft(files={"pkg/part.so": SharedObject(machine=183).content()})
    path = replace(foreign, wheel=PLATFORM_WHEEL).write(tmp_path / "w.whl")
    lenient = replace(OWN_BUILD, foreign_binaries=True)

    with pytest.raises(RefusedOutput, match="is for aarch64"):
        check(path, tmp_path / "out", PLATFORM_NAME, OWN_BUILD)
    made = check(path, tmp_path / "allowed", PLATFORM_NAME, lenient)
    others = check(path, tmp_path / "others", PLATFORM_NAME)

    assert any("for other machines" in note for note in made.notes)
    assert others.notes == ()


def test_a_wheel_whose_manylinux_tag_is_not_true_is_refused(tmp_path: Path) -> None:
    needs = SharedObject(versions=(("libc.so.6", ("GLIBC_2.38",)),), needed=("libc.so.6",))
    path = Draft(files={"pkg/part.so": needs.content()}).write(tmp_path / "w.whl")

    with pytest.raises(RefusedOutput, match="the tag manylinux_2_17_x86_64 is not true"):
        check(path, tmp_path / "out", "pkg-1.0-py3-none-manylinux_2_17_x86_64.whl", OWN_BUILD)


def test_a_wheel_that_contradicts_its_own_name_is_told_of(tmp_path: Path) -> None:
    files = {"pkg/part.so": SharedObject().content()}
    path = Draft(files=files).write(tmp_path / "w.whl")

    made = check(path, tmp_path / "out", PLATFORM_NAME, OWN_BUILD)

    assert made.notes == (
        "says other tags in WHEEL than in its name: py3-none-any",
        "is tagged for a platform, and yet Root-Is-Purelib is true",
    )


def test_no_login_of_a_requirement_gets_into_a_wheel(tmp_path: Path) -> None:
    tool = "tool @ git+https://me:secret@host.example/tool@main"
    own_build = replace(OWN_BUILD, system=(Requirement(tool),))

    made = check(Draft().write(tmp_path / "w.whl"), tmp_path / "out", own_build=own_build)

    said = described(tmp_path / "out" / made.filename)["fromager-build-system-requirements.txt"]
    assert said == b"tool @ git+https://host.example/tool@main\n"


def test_a_wheel_of_others_is_left_as_it_is(tmp_path: Path) -> None:
    files = {f"{INFO}/fromager-build-settings": b"theirs", "pkg.so": SharedObject().content()}

    made = check(Draft(files=files).write(tmp_path / "w.whl"), tmp_path / "out")

    assert described(tmp_path / "out" / made.filename) == {"fromager-build-settings": b"theirs"}


@pytest.mark.parametrize("name", ["fromager-elf-requires.txt", "builder-elf-unreadable.json"])
def test_no_build_may_say_it_in_our_stead(name: str, tmp_path: Path) -> None:
    path = Draft(files={f"{INFO}/{name}": b"lies"}).write(tmp_path / "w.whl")

    with pytest.raises(RefusedOutput, match=name):
        check(path, tmp_path / "out", own_build=OWN_BUILD)


GOOD = Draft()
UNSOUND = {
    "another project's metadata": replace(GOOD, metadata="Name: x\nVersion: 1.0\n"),
    "another version's metadata": replace(GOOD, metadata="Name: pkg\nVersion: 2\n"),
    "a requirement that is none": replace(GOOD, metadata=GOOD.metadata + "Requires-Dist: -r /x\n"),
    "a file that RECORD does not name": replace(GOOD, record=""),
    "weak hashes": replace(GOOD, algorithm="md5"),
    "an absolute name": replace(GOOD, files={"/etc/x": b""}),
    "a name that leaves the wheel": replace(GOOD, files={"../x": b""}),
    "another wheel version": replace(GOOD, wheel="Wheel-Version: 2.0\n"),
    "a second dist-info": replace(GOOD, files={"other-1.0.dist-info/METADATA": b""}),
}


@pytest.mark.parametrize("what", UNSOUND)
def test_a_wheel_is_refused_for(what: str, tmp_path: Path) -> None:
    path = UNSOUND[what].write(tmp_path / "w.whl")

    with pytest.raises(RefusedOutput):
        check(path, tmp_path / "out")


def test_a_wheel_with_a_wrong_hash_in_its_record_is_refused(tmp_path: Path) -> None:
    good = Draft().write(tmp_path / "good.whl")
    with zipfile.ZipFile(good) as archive:
        record = archive.read(f"{INFO}/RECORD").decode().replace(f"{INFO}/RECORD,,\n", "")
    path = Draft(files={"pkg.py": b"x = 2\n"}, record=record).write(tmp_path / "w.whl")

    with pytest.raises(RefusedOutput, match="not what RECORD says"):
        check(path, tmp_path / "out")


@pytest.mark.parametrize(
    "name",
    ["other-1.0-py3-none-any.whl", "pkg-2.0-py3-none-any.whl", "pkg-1.0-cp27-none-win32.whl"],
)
def test_a_wheel_with_another_name_is_refused(name: str, tmp_path: Path) -> None:
    path = Draft().write(tmp_path / "w.whl")

    with pytest.raises(RefusedOutput):
        check(path, tmp_path / "out", name)


def test_bytes_before_behind_and_between_are_refused(tmp_path: Path) -> None:
    good = Draft().write(tmp_path / "good.whl").read_bytes()
    for number, content in enumerate((b"stub" + good, good + b"tail")):
        path = tmp_path / f"{number}.whl"
        path.write_bytes(content)
        with pytest.raises(RefusedOutput):
            check(path, tmp_path / "out")


def test_two_headers_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    good = Draft().write(tmp_path / "good.whl").read_bytes()
    path = tmp_path / "w.whl"
    path.write_bytes(good.replace(b"pkg.py", b"pkg.pz", 1))

    with pytest.raises(RefusedOutput, match="contradict"):
        check(path, tmp_path / "out")


def test_a_link_in_a_wheel_is_refused(tmp_path: Path) -> None:
    path = Draft().write(tmp_path / "w.whl")
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as out:
        out.writestr(link, "/etc/passwd")

    with pytest.raises(RefusedOutput, match="link or a device"):
        check(path, tmp_path / "out")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = Draft().write(tmp_path / "w.whl")
    with zipfile.ZipFile(path, "a") as out:
        out.writestr("pkg.py", "x = 3\n")

    with pytest.raises(RefusedOutput, match="twice"):
        check(path, tmp_path / "out")


def test_only_plain_files_are_collected(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "secret").write_text("secret")
    (out / "link").symlink_to(tmp_path / "secret")
    (out / "folder").mkdir()
    os.mkfifo(out / "fifo")
    (out / "hard").hardlink_to(tmp_path / "secret")
    (out / "plain").write_text("plain")

    for name in ("link", "folder", "fifo", "hard", "missing", "../secret", "", ".", "a/b"):
        with pytest.raises(RefusedOutput):
            read_small(out, name)
    assert read_small(out, "plain") == b"plain"
    with pytest.raises(RefusedOutput, match="larger"):
        take(out, "plain", tmp_path / "copy", 3)
