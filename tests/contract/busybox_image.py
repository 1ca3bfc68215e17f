"""The smallest image that can be asked what a container is like: a static busybox, as a layout."""

import io
import json
import platform
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

from builder.domain.digests import Digest
from builder.domain.images import LayoutImage

BUSYBOX = Path("/bin/busybox")
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_FOLDERS = ("bin", "etc", "usr", "usr/bin", "dev", "proc", "sys", "run", "host")
_LINKS = {"lib": "usr/lib", "lib64": "usr/lib64", "usr/bin/env": "/bin/busybox"}
_FILES = {
    "etc/passwd": b"root:x:0:0::/:/bin/sh\nbuilder:x:1000:1000::/:/bin/sh\n",
    "etc/group": b"root:x:0:\nbuilder:x:1000:\n",
}


def busybox_image(
    folder: Path, note: str = "", programs: Mapping[str, str] | None = None
) -> LayoutImage:
    """Writes the layout; the same busybox, note and programs give the same image.

    Args:
        folder: does not exist yet.
        note: makes it another image.
        programs: scripts of /usr/bin, by name.

    Raises:
        FileNotFoundError: `apt-get install busybox-static` brings what is missing.
    """
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    system = f"linux/{_ARCHITECTURES[platform.machine()]}"
    layer = put(blobs, _root_file_system(programs or {}))
    config, manifest = put_image(blobs, layer, system, note)
    index = {"schemaVersion": 2, "manifests": [entry(manifest, blobs, "manifest.v1+json")]}
    (folder / "index.json").write_bytes(encode(index))
    (folder / "oci-layout").write_bytes(encode({"imageLayoutVersion": "1.0.0"}))
    return LayoutImage("contract test", folder, config, layer, system)


def put_image(blobs: Path, layer: Digest, system: str, note: str = "") -> tuple[Digest, Digest]:
    """Writes an image's configuration and manifest."""
    config = put(blobs, encode(_configuration(layer, system, note)))
    return config, put(blobs, encode(_manifest(config, layer, blobs)))


def entry(digest: Digest, blobs: Path, kind: str) -> dict[str, object]:
    """How OCI files name a blob."""
    return {
        "mediaType": f"application/vnd.oci.image.{kind}",
        "digest": str(digest),
        "size": (blobs / digest.sha256).stat().st_size,
    }


def put(blobs: Path, content: bytes) -> Digest:
    digest = Digest.of_bytes(content)
    (blobs / digest.sha256).write_bytes(content)
    return digest


def encode(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def add(
    tar: tarfile.TarFile, name: str, kind: bytes, mode: int, content: bytes = b"", link: str = ""
) -> None:
    """Adds a file to a layer."""
    member = tarfile.TarInfo(name)
    member.type = kind
    member.mode = mode
    member.size = len(content)
    member.linkname = link
    tar.addfile(member, io.BytesIO(content))


def _root_file_system(programs: Mapping[str, str]) -> bytes:
    stream = io.BytesIO()
    listed = subprocess.run([BUSYBOX, "--list"], check=True, capture_output=True, text=True)
    applets = {f"bin/{name}": "busybox" for name in listed.stdout.split() if name != "busybox"}
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in _FOLDERS:
            add(tar, name, tarfile.DIRTYPE, 0o755)
        add(tar, "tmp", tarfile.DIRTYPE, 0o1777)
        add(tar, "bin/busybox", tarfile.REGTYPE, 0o755, BUSYBOX.read_bytes())
        for name, content in _FILES.items():
            add(tar, name, tarfile.REGTYPE, 0o644, content)
        for name, script in programs.items():
            add(tar, f"usr/bin/{name}", tarfile.REGTYPE, 0o755, script.encode())
        for name, target in {**applets, **_LINKS}.items():
            add(tar, name, tarfile.SYMTYPE, 0o777, link=target)
    return stream.getvalue()


def _configuration(layer: Digest, system: str, note: str) -> dict[str, object]:
    name, architecture = system.split("/")
    return {
        "created": "2020-01-01T00:00:00Z",
        "architecture": architecture,
        "os": name,
        "config": {"Labels": {"note": note}} if note else {},
        "rootfs": {"type": "layers", "diff_ids": [str(layer)]},
        "history": [{"created": "2020-01-01T00:00:00Z"}],
    }


def _manifest(config: Digest, layer: Digest, blobs: Path) -> dict[str, object]:
    return {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": entry(config, blobs, "config.v1+json"),
        "layers": [entry(layer, blobs, "layer.v1.tar")],
    }
