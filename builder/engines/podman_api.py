"""The calls that the Podman engine makes, each turned into a plain value or an error of ours."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast
from urllib.parse import quote

from podman import PodmanClient
from podman.errors import APIError, NotFound, PodmanError

from builder.domain.derivations import Derivation
from builder.domain.digests import Digest
from builder.domain.images import LayoutImage, RegistryImage
from builder.engines.archives import archive_stream
from builder.engines.builds import CONTAINERFILE, arguments, context, follow, objects, write_stream
from builder.engines.platforms import is_for, kept_name
from builder.engines.podman_requests import Json
from builder.engines.pulls import refused_pull
from builder.errors import EngineError, ImageError

_PATIENCE = 120.0
_CONNECTIONS = 64
_REMOVE_AGAIN_AFTER = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
_CHUNK = 1 << 20
_JSON = {"content-type": "application/json"}
_TAR = {"content-type": "application/x-tar"}


class PodmanApi:
    """Podman behind a socket. Safe to use from several threads."""

    def __init__(self, socket: Path) -> None:
        self._client = PodmanClient(base_url=f"unix://{socket}", max_pool_size=_CONNECTIONS)

    def close(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call] # the SDK is typed in part

    def info(self) -> dict[str, dict[str, object]]:
        with _told("Podman does not say what it is"):
            answer = self._client.api.get("/info", timeout=_PATIENCE)
            answer.raise_for_status()
            found: dict[str, dict[str, object]] = answer.json()
            return found

    def create(self, request: Json) -> None:
        with _told(f"Podman does not create container {request['name']}"):
            self._client.api.post(
                "/containers/create", data=json.dumps(request), headers=_JSON
            ).raise_for_status()

    def attach_path(self, name: str) -> str:
        prefix = self._client.api.path_prefix
        return f"{prefix}containers/{quote(name)}/attach?stream=true&stdout=true&stderr=true"

    def process(self, name: str) -> int:
        return int(str(self._inspect(name)["State"]["Pid"]))

    def out_of_memory(self, name: str) -> bool:
        return bool(self._inspect(name)["State"]["OOMKilled"])

    def start(self, name: str) -> None:
        with _told(f"Podman does not start container {name}"):
            self._client.api.post(f"/containers/{quote(name)}/start").raise_for_status()

    def kill(self, name: str) -> None:
        with _told(f"Podman does not kill container {name}"):
            self._client.api.post(
                f"/containers/{quote(name)}/kill", params={"signal": "KILL"}, timeout=_PATIENCE
            )

    def wait(self, name: str) -> int:
        with _told(f"Podman does not say how container {name} ended"):
            answer = self._client.api.post(
                f"/containers/{quote(name)}/wait", params={"interval": "10ms"}
            )
            answer.raise_for_status()
            return int(answer.text)

    def remove(self, name: str) -> None:
        """Kills and removes a container, if there is one.

        Podman's own cleanup of an exited container may still hold one of its mounts, so one
        refusal says little.
        """
        for pause in _REMOVE_AGAIN_AFTER:
            try:
                return self._remove_once(name)
            except EngineError:
                time.sleep(pause)
        return self._remove_once(name)

    def _remove_once(self, name: str) -> None:
        with _told(f"Podman does not remove container {name}"):
            answer = self._client.api.delete(
                f"/containers/{quote(name)}",
                params={"force": "true", "timeout": "0", "ignore": "true", "v": "true"},
                timeout=_PATIENCE,
            )
            try:
                answer.raise_for_status()
            except NotFound:
                return

    def labelled(self, label: str) -> list[tuple[str, dict[str, str]]]:
        """Every container with the label, running or not: its ID and its labels."""
        with _told("Podman does not list its containers"):
            answer = self._client.api.get(
                "/containers/json",
                params={"all": "true", "filters": json.dumps({"label": [label]})},
                timeout=_PATIENCE,
            )
            answer.raise_for_status()
            return [(entry["Id"], dict(entry["Labels"])) for entry in answer.json() or ()]

    def has_image(self, identifier: str) -> bool:
        with _told("Podman does not list its images"):
            return bool(self._client.images.exists(identifier.removeprefix("sha256:")))

    def platform(self, identifier: str) -> str:
        """Of an image, `linux/amd64` and the like."""
        with _told(f"Podman does not show the image {identifier}"):
            shown = self._client.images.get(identifier.removeprefix("sha256:")).attrs
            return f"{shown['Os']}/{shown['Architecture']}"

    def load(self, image: LayoutImage) -> None:
        try:
            self._client.api.post(
                "/images/load", data=_sent(archive_stream(image)), headers=_TAR
            ).raise_for_status()
        except (PodmanError, OSError) as error:
            raise ImageError(
                f"Podman does not load the image in {image.layout}: {error}",
                hint="is there enough room where Podman keeps its images? see `podman system df`",
            ) from error

    def pull(self, image: RegistryImage) -> str:
        """The image's ID; the registry is only asked for what was not pulled before."""
        kept = kept_name(image)
        if self.has_image(kept):
            return self._identifier(kept)
        identifier = self._pull(image)
        if is_for(self.platform(identifier), image.platform):
            self._name(identifier, kept)
        return identifier

    def _pull(self, image: RegistryImage) -> str:
        """Asks the registry: Podman would take any image of an index for the one asked for."""
        system, architecture = image.platform.split("/")[:2]
        parameters = {
            "reference": image.reference,
            "policy": "always",
            "OS": system,
            "Arch": architecture,
        }
        try:
            answer = self._client.api.post("/images/pull", params=parameters)
            answer.raise_for_status()
            lines = [json.loads(line) for line in answer.text.splitlines() if line.strip()]
        except (PodmanError, OSError, ValueError) as error:
            raise refused_pull("Podman", image, str(error)) from error
        return _pulled(image, lines)

    def build(self, base: str, derivation: Derivation, told: Callable[[str], None]) -> Digest:
        """Builds an image with the host's network, in one layer on the image `base`."""
        parameters = {
            "dockerfile": CONTAINERFILE,
            "buildargs": json.dumps(arguments(base.removeprefix("sha256:"), derivation)),
            "networkmode": "host",
            "platform": derivation.below.platform,
            "pullpolicy": "never",
            "httpproxy": "false",
            "nocache": "true",
            "layers": "false",
            "rm": "true",
            "forcerm": "true",
        }
        with _told("Podman does not build the image"):
            answer = self._client.api.post(
                "/build", params=parameters, data=context(derivation), headers=_TAR, stream=True
            )
            answer.raise_for_status()
            return follow("Podman", objects(answer.iter_lines()), told)

    def save(self, image: Digest, target: Path) -> None:
        with _told(f"Podman does not give out the image {image}"):
            answer = self._client.api.get(
                f"/images/{image.sha256}/get", params={"format": "docker-archive"}, stream=True
            )
            answer.raise_for_status()
            write_stream(answer.iter_content(_CHUNK), target)

    def _identifier(self, name: str) -> str:
        with _told(f"Podman does not show the image {name}"):
            identifier = str(self._client.images.get(name).id)
            return f"sha256:{identifier.removeprefix('sha256:')}"

    def _name(self, identifier: str, name: str) -> None:
        with _told(f"Podman does not name the image {identifier}"):
            repository, _, tag = name.rpartition(":")
            self._client.images.get(identifier.removeprefix("sha256:")).tag(repository, tag)

    def _inspect(self, name: str) -> dict[str, dict[str, object]]:
        with _told(f"Podman does not show container {name}"):
            answer = self._client.api.get(f"/containers/{quote(name)}/json", timeout=_PATIENCE)
            answer.raise_for_status()
            found: dict[str, dict[str, object]] = answer.json()
            return found


def _sent(chunks: Iterator[bytes]) -> IO[bytes]:
    """The SDK hands on an iterator of bytes to requests, but names no type for one."""
    return cast("IO[bytes]", chunks)


def _pulled(image: RegistryImage, lines: list[dict[str, str]]) -> str:
    for line in lines:
        if line.get("error"):
            raise refused_pull("Podman", image, line["error"])
    identifier = next((line["id"] for line in reversed(lines) if line.get("id")), None)
    if identifier is None:
        raise ImageError(f"Podman does not say what it pulled as {image.reference}")
    return f"sha256:{identifier.removeprefix('sha256:')}"


@dataclass(frozen=True)
class _told:  # noqa: N801 - reads as a statement, like contextlib's own
    """Turns what the SDK raises into an EngineError that says what was wanted."""

    complaint: str

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, APIError):
            raise EngineError(f"{self.complaint}: {error.explanation or error}") from error
        if isinstance(error, PodmanError | OSError):
            raise EngineError(f"{self.complaint}: {error}") from error
