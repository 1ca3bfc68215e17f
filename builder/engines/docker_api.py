"""The calls that the Docker engine makes, each turned into a plain value or an error of ours."""

import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from docker import APIClient
from docker.errors import APIError, DockerException, NotFound
from requests.exceptions import RequestException

from builder.domain.derivations import Derivation
from builder.domain.digests import Digest
from builder.domain.images import LayoutImage, RegistryImage
from builder.engines.archives import archive_stream
from builder.engines.builds import CONTAINERFILE, arguments, context, follow, write_stream
from builder.engines.docker_requests import Json
from builder.engines.platforms import is_for, kept_name
from builder.engines.pulls import refused_pull
from builder.errors import EngineError, ImageError

_PATIENCE = 120
_WEEK = 7 * 24 * 3600
_CONNECTIONS = 64
_REMOVE_AGAIN_AFTER = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)


@dataclass(frozen=True)
class ShownImage:
    """What the daemon says about an image."""

    platform: str
    volumes: tuple[str, ...]


class DockerApi:
    """Docker behind a socket. Safe to use from several threads.

    Raises:
        EngineError: the daemon does not answer, or is too old.
    """

    def __init__(self, socket: Path) -> None:
        with _told("Docker does not answer"):
            self._client: Any = APIClient(
                base_url=f"unix://{socket}",
                version="auto",
                timeout=_PATIENCE,
                num_pools=_CONNECTIONS,
                max_pool_size=_CONNECTIONS,
            )

    def close(self) -> None:
        self._client.close()

    def info(self) -> dict[str, Any]:
        with _told("Docker does not say what it is"):
            found: dict[str, Any] = self._client.info()
            return found

    def create(self, name: str, request: Json) -> None:
        with _told(f"Docker does not create container {name}"):
            self._client.create_container_from_config(request, name)

    def attach_path(self, name: str) -> str:
        version = self._client.api_version
        return f"/v{version}/containers/{quote(name)}/attach?stream=1&stdout=1&stderr=1"

    def start(self, name: str) -> None:
        with _told(f"Docker does not start container {name}"):
            self._client.start(name)

    def process(self, name: str) -> int:
        return int(self._inspect(name)["State"]["Pid"])

    def out_of_memory(self, name: str) -> bool:
        return bool(self._inspect(name)["State"]["OOMKilled"])

    def kill(self, name: str) -> None:
        with _told(f"Docker does not kill container {name}"):
            try:
                self._client.kill(name, "SIGKILL")
            except APIError as error:
                if error.status_code not in (404, 409):
                    raise

    def wait(self, name: str) -> int:
        with _told(f"Docker does not say how container {name} ended"):
            return int(self._client.wait(name, timeout=_WEEK)["StatusCode"])

    def remove(self, name: str) -> None:
        """Kills and removes a container, if there is one."""
        for pause in _REMOVE_AGAIN_AFTER:
            try:
                return self._remove_once(name)
            except EngineError:
                time.sleep(pause)
        return self._remove_once(name)

    def labelled(self, label: str) -> list[tuple[str, dict[str, str]]]:
        """Every container with the label, running or not: its ID and its labels."""
        with _told("Docker does not list its containers"):
            listed = self._client.containers(all=True, filters={"label": label})
            return [(entry["Id"], dict(entry["Labels"])) for entry in listed]

    def has_image(self, identifier: str) -> bool:
        with _told("Docker does not list its images"):
            try:
                self._client.inspect_image(identifier)
            except NotFound:
                return False
            return True

    def image(self, identifier: str) -> ShownImage:
        with _told(f"Docker does not show the image {identifier}"):
            shown = self._client.inspect_image(identifier)
            volumes = (shown.get("Config") or {}).get("Volumes") or {}
            return ShownImage(f"{shown['Os']}/{shown['Architecture']}", tuple(volumes))

    def load(self, image: LayoutImage) -> None:
        try:
            _check_progress(self._client.load_image(archive_stream(image)))
        except (DockerException, RequestException) as error:
            raise ImageError(
                f"Docker does not load the image in {image.layout}: {error}",
                hint="is there enough room where Docker keeps its images? see `docker system df`",
            ) from error

    def pull(self, image: RegistryImage) -> str:
        """The image's ID; the registry is only asked for what was not pulled before."""
        kept = kept_name(image)
        if not self.has_image(kept):
            try:
                self._pull(image)
            except APIError as error:
                raise refused_pull("Docker", image, str(error.explanation or error)) from error
            except (DockerException, RequestException) as error:
                raise refused_pull("Docker", image, str(error)) from error
            if not is_for(self.image(image.reference).platform, image.platform):
                return self._identifier(image.reference)
            with _told(f"Docker does not name the image {image.reference}"):
                self._client.tag(image.reference, *kept.rsplit(":", maxsplit=1))
        return self._identifier(kept)

    def _pull(self, image: RegistryImage) -> None:
        """Docker has one image for a digest at a time, also for that of an index of several.

        The one of another platform gives the name up, and is kept under one of ours.
        """
        if self.has_image(image.reference):
            platform = self.image(image.reference).platform
            if is_for(platform, image.platform):
                return
            kept = kept_name(replace(image, platform=platform))
            self._client.tag(image.reference, *kept.rsplit(":", maxsplit=1))
            self._client.remove_image(image.reference, noprune=True)
        _check_progress(
            self._client.pull(image.reference, platform=image.platform, stream=True, decode=True)
        )

    def build(self, base: str, derivation: Derivation, told: Callable[[str], None]) -> Digest:
        """Builds an image with the host's network, in one layer on the image `base`."""
        with _told("Docker does not build the image"):
            answers = self._client.build(
                fileobj=io.BytesIO(context(derivation)),
                custom_context=True,
                dockerfile=CONTAINERFILE,
                buildargs=arguments(base, derivation),
                network_mode="host",
                platform=derivation.below.platform,
                use_config_proxy=False,
                nocache=True,
                rm=True,
                forcerm=True,
                decode=True,
            )
            return follow("Docker", answers, told)

    def save(self, image: Digest, target: Path) -> None:
        with _told(f"Docker does not give out the image {image}"):
            write_stream(self._client.get_image(str(image)), target)

    def _identifier(self, name: str) -> str:
        with _told(f"Docker does not show the image {name}"):
            return str(self._client.inspect_image(name)["Id"])

    def _remove_once(self, name: str) -> None:
        with _told(f"Docker does not remove container {name}"):
            try:
                self._client.remove_container(name, v=True, force=True)
            except NotFound:
                return

    def _inspect(self, name: str) -> dict[str, Any]:
        with _told(f"Docker does not show container {name}"):
            found: dict[str, Any] = self._client.inspect_container(name)
            return found


def _check_progress(lines: Iterator[Any]) -> None:
    """Reads to the end, also after an error: a stream that is left early is never closed."""
    told = [json.loads(line) if isinstance(line, str | bytes) else line for line in lines]
    for one in told:
        if one.get("error"):
            raise DockerException(one["error"])


@contextmanager
def _told(complaint: str) -> Iterator[None]:
    """Turns what the SDK raises into an EngineError that says what was wanted."""
    try:
        yield
    except APIError as error:
        raise EngineError(f"{complaint}: {error.explanation or error}") from error
    except (DockerException, RequestException) as error:
        raise EngineError(f"{complaint}: {error}") from error
