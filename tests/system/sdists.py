"""Source archives made for tests: a build backend of our own, and packages that are built by it."""

import base64
import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from dataclasses import dataclass

BACKEND = '''
"""A build backend in one file: builds a wheel of one module, and runs what a package brings."""

import base64, hashlib, os, runpy, tomllib, zipfile


def _project():
    with open("pyproject.toml", "rb") as file:
        return tomllib.load(file)


def _run(phase):
    if os.path.exists("payload.py"):
        runpy.run_path("payload.py", init_globals={"PHASE": phase})


def get_requires_for_build_wheel(config_settings=None):
    _run("get_requires")
    return _project()["tool"]["one-file"]["hook-requires"]


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    _run("build_wheel")
    project = _project()["project"]
    name, version = project["name"].replace("-", "_"), project["version"]
    info = f"{name}-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.2", f"Name: {project['name']}", f"Version: {version}"]
    metadata += [f"Requires-Dist: {one}" for one in _project()["tool"]["one-file"]["says"]]
    wheel = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    files = {f"{info}/METADATA": "\\n".join(metadata) + "\\n", f"{info}/WHEEL": wheel}
    for module in sorted(os.listdir(".")):
        if module.endswith(".py") and module != "payload.py":
            files[module] = open(module).read()
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
        record += f"{path},sha256={digest.decode()},{len(text.encode())}\\n"
    files[f"{info}/RECORD"] = record + f"{info}/RECORD,,\\n"
    filename = f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, filename), "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return filename
'''


@dataclass(frozen=True)
class Package:
    """A package as a test describes it.

    Attributes:
        backend: the project that builds it; empty for one that builds itself.
        requires: install requirements.
        hook_requires: what its hook asks for beyond the build system's.
        payload: Python that is run in every hook; `PHASE` says in which.
        dynamic: hides the install requirements until the wheel is built.
    """

    name: str
    version: str = "1.0"
    backend: str = "one-file"
    requires: tuple[str, ...] = ()
    build_requires: tuple[str, ...] = ()
    hook_requires: tuple[str, ...] = ()
    payload: str = ""
    salt: str = ""
    dynamic: bool = False

    @property
    def filename(self) -> str:
        return f"{self.name.replace('-', '_')}-{self.version}.tar.gz"

    def sdist(self) -> bytes:
        """The archive; the same package gives the same bytes."""
        module = self.name.replace("-", "_")
        files = {"pyproject.toml": self._pyproject(), "salt": self.salt, f"{module}.py": ""}
        if not self.backend:
            files["one_file.py"] = BACKEND
        if self.payload:
            files["payload.py"] = self.payload
        packed = io.BytesIO()
        with (
            gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as pressed,
            tarfile.open(fileobj=pressed, mode="w") as tar,
        ):
            for name, text in files.items():
                member = tarfile.TarInfo(f"{module}-{self.version}/{name}")
                member.size = len(text.encode())
                tar.addfile(member, io.BytesIO(text.encode()))
        return packed.getvalue()

    @property
    def wheel_filename(self) -> str:
        return f"{self.name.replace('-', '_')}-{self.version}-py3-none-any.whl"

    def wheel(self, module: str = "") -> bytes:
        """A wheel of the package as another builder would have made it."""
        name = self.name.replace("-", "_")
        info = f"{name}-{self.version}.dist-info"
        metadata = ["Metadata-Version: 2.2", f"Name: {self.name}", f"Version: {self.version}"]
        metadata += [f"Requires-Dist: {one}" for one in self.requires]
        files = {
            f"{name}.py": module or (BACKEND if name == "one_file" else f"SALT = {self.salt!r}\n"),
            f"{info}/METADATA": "\n".join(metadata) + "\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        record = "".join(f"{path},{_hash(text)},\n" for path, text in files.items())
        files[f"{info}/RECORD"] = record + f"{info}/RECORD,,\n"
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for path, text in files.items():
                archive.writestr(zipfile.ZipInfo(path), text)
        return packed.getvalue()

    def _pyproject(self) -> str:
        requires = [*([self.backend] if self.backend else []), *self.build_requires]
        says = list(self.requires)
        dynamic = '["dependencies"]' if self.dynamic else "[]"
        stated = "" if self.dynamic else f"dependencies = {json.dumps(says)}\n"
        path = "[]" if self.backend else '["."]'
        return (
            f"[build-system]\nrequires = {json.dumps(requires)}\n"
            f'build-backend = "one_file"\nbackend-path = {path}\n'
            f'[project]\nname = "{self.name}"\nversion = "{self.version}"\n{stated}'
            f"dynamic = {dynamic}\n"
            f"[tool.one-file]\nhook-requires = {json.dumps(list(self.hook_requires))}\n"
            f"says = {json.dumps(says)}\n"
        )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
