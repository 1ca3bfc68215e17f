"""The same recipe gives the same image: twice, and as root as without privileges.

Bootstraps twice from Debian's archive, natively and emulated, which takes minutes. As root, the
second bootstrap is done by the user that BUILDER_TEST_USER names; without that, and as an ordinary
user, the same user does both.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from builder.domain.digests import Digest

CHECKOUT = Path(__file__).parent.parent

BOOTSTRAP = """
import os, sys, time
from pathlib import Path
from builder.images.catalogue import ImageCatalogue
from builder.images.mmdebstrap import Host

recipes, cache, name = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
host = Host(os.geteuid() == 0, os.environ, Path(os.environ.get("TMPDIR", "/var/tmp")))
catalogue = ImageCatalogue((recipes,), cache, "linux/amd64", host, time.monotonic)
print(catalogue.build(name, lambda line: None).image.config)
"""


def bootstrap(name: str, cache: Path, prefix: tuple[str, ...] = ()) -> Digest:
    command = [sys.executable, "-c", BOOTSTRAP, str(CHECKOUT / "images"), str(cache), name]
    process = subprocess.run(
        [*prefix, *command], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    return Digest.parse(process.stdout.strip())


def as_ordinary_user() -> tuple[str, ...]:
    user = os.environ.get("BUILDER_TEST_USER", "")
    if os.geteuid() != 0 or not user:
        return ()
    return ("runuser", "-u", user, "--")


@pytest.mark.image
@pytest.mark.parametrize("name", ["cpu-py311", "aarch64"])
def test_two_bootstraps_give_the_same_image(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    first, second = (tmp_path_factory.mktemp(each) for each in ("first", "second"))
    for folder in (second, *second.parents[:2]):
        folder.chmod(0o777)
    ordinary = as_ordinary_user()
    assert bootstrap(name, first) == bootstrap(name, second, ordinary)
