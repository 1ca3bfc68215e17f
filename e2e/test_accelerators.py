"""One source, three variants: C, CUDA and HIP, each built in its own image without a network.

`kernels/` beside this file holds the source; what its wheels compute with is chosen by
BUILDER_VARIANT, and the device code in them by package settings. The images are bootstrapped first
where they are missing, which takes minutes and about 13 GB.

A container has no GPU, so in there the kernels can only say so. Where the host has one that
`nvidia-smi` finds, the CUDA wheel computes on it.
"""

import gzip
import io
import os
import re
import secrets
import subprocess
import sys
import tarfile
import threading
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

from builder.app.images import image_catalogue
from builder.app.settings import Settings
from builder.domain.containers import GIB, BindMount, ContainerSpec, Limits, Tmpfs
from builder.engines.discovery import EngineChoice, open_engine
from tests.index_server import index_server

pytestmark = pytest.mark.once

ENGINE: EngineChoice = "docker" if os.environ.get("BUILDER_TEST_ENGINES") == "docker" else "podman"
BUILDER = [sys.executable, "-m", "builder"]
SOURCE = Path(__file__).parent / "kernels"
SDIST = "kernels-1.0.tar.gz"
VARIANTS = ("cpu", "cuda", "rocm")
SETTINGS = """
variants:
  cuda:
    env:
      CUDA_ARCHS: 80;90
  rocm:
    env:
      HIP_ARCHS: gfx90a;gfx1100
"""
LIBRARY = "kernels/libsaxpy.so"
COMPUTE = "import kernels; print(kernels.backend(), kernels.saxpy(2, [1, 2, 3], [10, 20, 30]))"
COMPUTED = "[12.0, 24.0, 36.0]"


@dataclass(frozen=True)
class Built:
    """What the bootstrap of a variant left."""

    variant: str
    wheel: Path
    unpacked: Path

    def inside(self, script: str) -> str:
        """What a shell script prints in the variant's image, in the folder of the unpacked wheel.

        There is no network.
        """
        usual = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "builder"
        cache = Path(os.environ.get("BUILDER_CACHE_DIR", usual))
        settings = Settings(
            self.unpacked, self.unpacked, self.unpacked, cache, (), dict(os.environ)
        )
        printed: list[bytes] = []
        with open_engine(ENGINE, settings.engine_variables) as engine:
            spec = ContainerSpec(
                name=f"builder-check-{os.getpid()}",
                image=engine.ensure_image(image_catalogue(settings).open(self.variant)),
                command=("/bin/sh", "-ec", script),
                environment=(("PATH", "/usr/bin:/bin"), ("HOME", "/tmp")),
                binds=(BindMount(self.unpacked, PurePosixPath("/unpacked")),),
                tmpfs=(Tmpfs(PurePosixPath("/tmp"), GIB),),
                working_folder=PurePosixPath("/unpacked"),
                limits=Limits(wall_seconds=300),
            )
            ended = engine.run(spec, printed.append, threading.Event())
        text = b"".join(printed).decode(errors="replace")
        assert ended.succeeded, text
        return text


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Built]:
    """The wheels of all variants, from one sdist and in one run."""
    place = tmp_path_factory.mktemp("accelerators")
    (place / "settings").mkdir()
    (place / "settings/kernels.yaml").write_text(SETTINGS)
    subprocess.run([*BUILDER, "image", "build", *VARIANTS], check=True)
    command = [*BUILDER, "bootstrap", "kernels", "-O", str(place), "--engine", ENGINE]
    command += ["--settings-dir", str(place / "settings")]
    for variant in VARIANTS:
        command += ["--variant", variant]
    with index_server() as index:
        index.publish("kernels", SDIST, sdist())
        command += ["--index-url", index.url]
        done = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stderr
    return {variant: unpacked(variant, place) for variant in VARIANTS}


def unpacked(variant: str, place: Path) -> Built:
    [wheel] = (place / variant / "wheels-repo/downloads").glob("kernels-*.whl")
    folder = place / f"{variant}-unpacked"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return Built(variant, wheel, folder)


def sdist() -> bytes:
    """The archive of `kernels/`, which is another one in each run: nothing is found in a store."""
    files = {
        str(path.relative_to(SOURCE)): path.read_bytes()
        for path in sorted(SOURCE.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    files["salt"] = secrets.token_hex(8).encode()
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as pressed,
        tarfile.open(fileobj=pressed, mode="w") as tar,
    ):
        for name, content in files.items():
            member = tarfile.TarInfo(f"kernels-1.0/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def test_three_wheels_of_one_release_differ_in_their_library_alone(
    built: dict[str, Built],
) -> None:
    assert len({one.wheel.name for one in built.values()}) == 1
    assert built["cpu"].wheel.name.endswith("-py3-none-linux_x86_64.whl")
    libraries = {variant: (one.unpacked / LIBRARY).read_bytes() for variant, one in built.items()}
    assert len(set(libraries.values())) == 3
    assert {content[:4] for content in libraries.values()} == {b"\x7fELF"}
    assert {content[18:20] for content in libraries.values()} == {b"\x3e\x00"}, "no x86-64"


def test_the_c_fallback_computes(built: dict[str, Built]) -> None:
    assert built["cpu"].inside(f"python3 -c '{COMPUTE}'").split(maxsplit=1) == [
        "c",
        f"{COMPUTED}\n",
    ]


def test_the_cuda_wheel_holds_device_code_for_the_architectures_that_were_asked_for(
    built: dict[str, Built],
) -> None:
    cuda = built["cuda"]
    listed = cuda.inside(f"cuobjdump --list-elf {LIBRARY}")
    assert set(re.findall(r"\.(sm_\w+)\.cubin$", listed, re.MULTILINE)) == {"sm_80", "sm_90"}
    parts = cuda.inside(f"cuobjdump --dump-sass {LIBRARY}").split("Fatbin elf code:")
    kernels = [part for part in parts if re.search(r"Function : \w*add_scaled", part)]
    assert sorted(re.findall(r"^arch = (\w+)$", "".join(kernels), re.MULTILINE)) == [
        "sm_80",
        "sm_90",
    ]
    assert ".nv_fatbin" in cuda.inside(f"readelf --sections --wide {LIBRARY}")


def test_the_rocm_wheel_holds_device_code_for_the_architectures_that_were_asked_for(
    built: dict[str, Built],
) -> None:
    rocm = built["rocm"]
    listed = rocm.inside(f"roc-obj-ls {LIBRARY}")
    assert sorted(re.findall(r"amdgcn-amd-amdhsa--(\w+)", listed)) == ["gfx1100", "gfx90a"]
    assert ".hip_fatbin" in rocm.inside(f"readelf --sections --wide {LIBRARY}")


@pytest.mark.parametrize(
    ("variant", "error"), [("cuda", "cudaErrorNoDevice"), ("rocm", "hipErrorNoDevice")]
)
def test_a_kernel_that_has_no_gpu_says_so(
    variant: str, error: str, built: dict[str, Built]
) -> None:
    caught = (
        f"try:\n    {COMPUTE}\nexcept RuntimeError as error:\n    print(kernels.backend(), error)"
    )
    told = built[variant].inside(f"python3 -c '{caught}'")
    assert told.split() == [variant, error]


def has_nvidia_gpu() -> bool:
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], check=False, capture_output=True, text=True)
    except FileNotFoundError:
        return False
    return listed.returncode == 0 and listed.stdout.startswith("GPU ")


@pytest.mark.skipif(not has_nvidia_gpu(), reason="nvidia-smi finds no GPU on this host")
def test_the_cuda_kernel_computes_on_the_gpu_of_this_host(built: dict[str, Built]) -> None:
    command = [sys.executable, "-c", COMPUTE]
    told = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=built["cuda"].unpacked
    )
    assert told.stdout == f"cuda {COMPUTED}\n"
