"""Builds the wheel of the variant at hand: the same function by nvcc, by hipcc or by gcc."""

import base64
import hashlib
import os
import subprocess
import sysconfig
import zipfile
from collections.abc import Mapping
from pathlib import Path

NAME = "kernels-1.0"
SHARED = ("-O2", "-shared", "-o", "libsaxpy.so")
METADATA = "Metadata-Version: 2.2\nName: kernels\nVersion: 1.0\n"


def build_wheel(
    wheel_directory: str,
    config_settings: Mapping[str, object] | None = None,  # noqa: ARG001 - named by the standard
    metadata_directory: str | None = None,  # noqa: ARG001 - named by the standard
) -> str:
    subprocess.run(command(os.environ), check=True)
    tag = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"
    told = f"Wheel-Version: 1.0\nGenerator: kernels\nRoot-Is-Purelib: false\nTag: {tag}\n"
    files = {
        "kernels/__init__.py": Path("kernels/__init__.py").read_bytes(),
        "kernels/libsaxpy.so": Path("libsaxpy.so").read_bytes(),
        f"{NAME}.dist-info/METADATA": METADATA.encode(),
        f"{NAME}.dist-info/WHEEL": told.encode(),
    }
    record = "".join(f"{path},{entry(content)}\n" for path, content in files.items())
    files[f"{NAME}.dist-info/RECORD"] = f"{record}{NAME}.dist-info/RECORD,,\n".encode()
    with zipfile.ZipFile(f"{wheel_directory}/{NAME}-{tag}.whl", "w") as wheel:
        for path, content in files.items():
            wheel.writestr(path, content)
    return f"{NAME}-{tag}.whl"


def command(environment: Mapping[str, str]) -> list[str]:
    match environment["BUILDER_VARIANT"]:
        case "cuda":
            wanted = environment["CUDA_ARCHS"].split(";")
            codes = [f"-gencode=arch=compute_{one},code=sm_{one}" for one in wanted]
            return ["nvcc", *SHARED, "-Xcompiler=-fPIC", *codes, "saxpy.cu"]
        case "rocm":
            wanted = environment["HIP_ARCHS"].split(";")
            targets = [f"--offload-arch={one}" for one in wanted]
            return ["hipcc", *SHARED, "-fPIC", *targets, "saxpy.hip"]
        case _:
            return ["gcc", *SHARED, "-fPIC", "saxpy.c"]


def entry(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
    return f"sha256={digest.decode()},{len(content)}"
