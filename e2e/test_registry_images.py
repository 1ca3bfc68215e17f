"""Images of a registry that get packages, from Debian's archive and from a repository of RPMs.

The image below is bootstrapped here, with Debian's dnf and a repository of two small RPMs in it,
and served by a registry on the loopback. Everything from there on is the program: `image.yaml`,
`builder image build`, and a wheel that cannot be built without the package.
"""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from builder.domain.images import LayoutImage
from builder.images.layer import write_layer
from builder.images.layout import write_layout
from builder.images.mmdebstrap import Host, bootstrap, host_transport
from tests.contract.registry import registry_of
from tests.index_server import index_server
from tests.system.sdists import Package

SUITE = "bookworm"
ENGINES = os.environ.get("BUILDER_TEST_ENGINES", "podman").split(",")

SPEC = """
Name: {name}
Version: 1.5
Release: 2
Summary: A word
License: Apache-2.0
BuildArch: noarch
%description
A word.
%install
mkdir -p %{{buildroot}}/usr/share/{name}
echo hello > %{{buildroot}}/usr/share/{name}/word
%files
/usr/share/{name}/word
"""
REPOSITORY = f"""set -eu
mkdir -p "$1"/srv "$1"/etc/yum.repos.d
printf %s {shlex.quote(SPEC.format(name="greeting"))} > "$1"/srv/greeting.spec
# What the template itself asks for has a name in Debian that RPM knows nothing of.
printf %s {shlex.quote(SPEC.format(name="findutils"))} > "$1"/srv/findutils.spec
chroot "$1" sh -ec 'for each in /srv/*.spec; do
  rpmbuild -bb --define "_rpmdir /srv/repository" --define "_topdir /srv/rpmbuild" "$each"; done
  createrepo_c /srv/repository'
printf '[here]\\nname=here\\nbaseurl=file:///srv/repository\\ngpgcheck=0\\n' \\
  > "$1"/etc/yum.repos.d/here.repo
"""
LOOKS = """
import os, pwd, subprocess
if PHASE == "build_wheel":
    print("FOUND", {found}, pwd.getpwuid(os.getuid()).pw_name, flush=True)
    for program in ("/usr/bin/su", "/usr/bin/passwd"):
        assert not os.stat(program).st_mode & 0o6000, program
"""


@dataclass(frozen=True)
class Family:
    """A package manager, a package of its, and Python that sees whether it is there."""

    recipe: str
    listed: str
    found: str


APT = Family("packages: [hello]\n", "hello=", "subprocess.check_output(['hello'])")
DNF = Family(
    "packages: [greeting]\npackage_manager: dnf\n",
    "greeting=1.5-2=noarch",
    "open('/usr/share/greeting/word').read()",
)


@pytest.fixture(scope="session")
def below(tmp_path_factory: pytest.TempPathFactory) -> LayoutImage:
    """The image that the registry has, with the archive that mmdebstrap itself took."""
    folder = tmp_path_factory.mktemp("below")
    is_root = os.geteuid() == 0
    command = [
        *("mmdebstrap", "--verbose", f"--mode={'root' if is_root else 'unshare'}"),
        *("--variant=apt", "--format=tar", "--include=python3,dnf,rpm,createrepo-c"),
        *(f"--aptopt={line}" for line in host_transport()),
        *(f"--customize-hook={REPOSITORY}", SUITE, "-"),
    ]
    raw, layer = folder / "raw.tar", folder / "layer.tar"
    host = Host(is_root, os.environ, Path("/var/tmp"))
    bootstrap(command, host, raw, folder / "log", lambda _: None)
    write_layer(raw, layer)
    raw.unlink()
    made = write_layout(layer, folder / "layout", "below", "linux/amd64")
    return LayoutImage("below", folder / "layout", made.config, made.diff_id, "linux/amd64")


def builder(variables: Mapping[str, str], *words: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "builder", *map(str, words)]
    environment = {**os.environ, **variables}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("family", [APT, DNF], ids=["apt", "dnf"])
def test_a_wheel_is_built_with_what_an_image_of_a_registry_got(
    family: Family, engine: str, below: LayoutImage, tmp_path: Path
) -> None:
    package = Package(
        "library", backend="", payload=LOOKS.format(found=family.found), salt=str(tmp_path)
    )
    recipe = tmp_path / "images" / "mine" / "image.yaml"
    recipe.parent.mkdir(parents=True)
    configuration = tmp_path / "registries.conf"
    variables = {"CONTAINERS_REGISTRIES_CONF": str(configuration)}
    common: list[str | Path] = ["--images-dir", tmp_path / "images"]

    with registry_of(below) as registry:
        configuration.write_text(
            f'[[registry]]\nlocation = "{registry.address}"\ninsecure = true\n'
        )
        recipe.write_text(
            f"registry: {registry.image.reference}\nplatform: linux/amd64\n{family.recipe}"
        )
        early = builder(variables, "bootstrap", "library", "--image", "mine", *common)
        made = builder(variables, "image", "build", "mine", "--engine", engine, *common)
        again = builder(variables, "image", "build", "mine", "--engine", engine, *common)

    assert early.returncode == 4
    assert "hint: builder image build mine" in early.stderr
    assert made.returncode == 0, made.stderr
    assert again.stdout.endswith(" was there\n")
    shown = json.loads(builder({}, "image", "show", "mine", "--json", *common).stdout)
    assert any(one.startswith(family.listed) for one in shown["packages"])

    # The registry is gone: what was made is an image for every engine.
    with index_server() as index:
        index.publish(package.name, package.filename, package.sdist())
        for user in ENGINES:
            output = tmp_path / user
            where: list[str | Path] = [
                "-O",
                output,
                "--index-url",
                index.url,
                "--engine",
                user,
                "--no-cache",
            ]
            done = builder(variables, "bootstrap", "library", "--image", "mine", *common, *where)
            assert done.returncode == 0, done.stderr
            assert f"image: mine, {shown['config']}" in done.stderr
            log = (output / "work-dir/logs/library-1.0.log").read_text()
            assert "FOUND" in log
            assert "builder" in log.partition("FOUND")[2].splitlines()[0]


@pytest.mark.parametrize("engine", ENGINES)
def test_an_image_that_was_made_anew_is_not_the_locked_one(
    engine: str, below: LayoutImage, tmp_path: Path
) -> None:
    recipe = tmp_path / "images" / "mine" / "image.yaml"
    recipe.parent.mkdir(parents=True)
    configuration = tmp_path / "registries.conf"
    variables = {"CONTAINERS_REGISTRIES_CONF": str(configuration)}
    common: list[str | Path] = ["mine", "--images-dir", tmp_path / "images", "--engine", engine]

    with registry_of(below) as registry:
        configuration.write_text(
            f'[[registry]]\nlocation = "{registry.address}"\ninsecure = true\n'
        )
        recipe.write_text(
            f"registry: {registry.image.reference}\nplatform: linux/amd64\n{DNF.recipe}"
        )
        first = builder(variables, "image", "build", *common)
        locked = builder(variables, "image", "lock", *common)
        second = builder(variables, "image", "build", "--force", *common)
        accepted = builder(variables, "image", "lock", *common)
        third = builder(variables, "image", "build", *common)

    assert first.returncode == 0, first.stderr
    assert locked.returncode == 0, locked.stderr
    assert second.returncode == 4, second.stderr
    assert "is not the one in" in second.stderr
    assert "builder image lock mine" in second.stderr
    assert accepted.returncode == 0, accepted.stderr
    assert third.returncode == 0, third.stderr
