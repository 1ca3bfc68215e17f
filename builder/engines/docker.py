"""The Engine port over Docker's API."""

import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.domain.containers import ContainerExit, ContainerSpec, EngineFacts
from builder.domain.derivations import Derivation
from builder.domain.digests import Digest
from builder.domain.images import Image, LayoutImage, RegistryImage
from builder.engines.archives import local_reference
from builder.engines.attach import OutputStream
from builder.engines.docker_api import DockerApi
from builder.engines.docker_requests import DockerPosture, create_request
from builder.engines.emulation import require_runnable
from builder.engines.platforms import check_platform, check_reference
from builder.engines.posture import (
    RUN_LABEL,
    check,
    container_name,
    give_writable_sources,
    pin_to_processors,
)
from builder.engines.supervision import Exit, supervise
from builder.errors import ImageError


class DockerEngine:
    """Runs containers on a Docker daemon that listens on a socket of this host."""

    def __init__(
        self, socket: Path, api: DockerApi, facts: EngineFacts, posture: DockerPosture
    ) -> None:
        self._socket = socket
        self._api = api
        self._facts = facts
        self._posture = posture
        self._images = threading.Lock()

    @property
    def facts(self) -> EngineFacts:
        return self._facts

    def ensure_image(self, image: Image) -> str:
        require_runnable(image.platform)
        with self._images:
            identifier = self._had(image)
            shown = self._api.image(identifier)
            if shown.volumes:
                raise ImageError(
                    f"the image {identifier} declares volumes, which Docker makes writable",
                    hint="use an image without VOLUME, or --engine podman",
                )
            return identifier

    def derive(self, derivation: Derivation, told: Callable[[str], None]) -> Digest:
        require_runnable(derivation.below.platform)
        with self._images:
            return self._api.build(self._had(derivation.below), derivation, told)

    def save(self, image: Digest, target: Path) -> None:
        self._api.save(image, target)

    def run(
        self, spec: ContainerSpec, output: Callable[[bytes], None], stop: threading.Event
    ) -> ContainerExit:
        check(spec)
        give_writable_sources(spec, self._posture.user.owner)
        name = container_name(spec, secrets.token_hex(4))
        try:
            self._api.create(name, create_request(spec, self._posture))
            with OutputStream.attach(self._socket, self._api.attach_path(name)) as stream:
                self._api.start(name)
                if spec.limits.cpus and not self._posture.processors:
                    pin_to_processors(self._api.process(name), spec.limits.cpus)
                container = _StartedContainer(self._api, name, stream)
                return supervise(container, spec.limits, output, stop)
        finally:
            self._api.remove(name)

    def remove_leftovers(self, is_abandoned: Callable[[dict[str, str]], bool]) -> int:
        found = [
            identifier
            for identifier, labels in self._api.labelled(RUN_LABEL)
            if is_abandoned(labels)
        ]
        for identifier in found:
            self._api.remove(identifier)
        return len(found)

    def _had(self, image: Image) -> str:
        identifier = self._loaded(image)
        check_platform("Docker", image, self._api.image(identifier).platform)
        return identifier

    def _loaded(self, image: Image) -> str:
        match image:
            case LayoutImage():
                identifier = str(image.config)
                if not self._api.has_image(identifier):
                    self._api.load(image)
                    if not self._api.has_image(identifier):
                        name = local_reference(image)
                        raise ImageError(f"Docker loaded {name} as another image")
                return identifier
            case RegistryImage():
                check_reference(image)
                return self._api.pull(image)


@dataclass(frozen=True)
class _StartedContainer:
    api: DockerApi
    name: str
    stream: OutputStream

    def chunks(self) -> Iterator[bytes]:
        return self.stream.chunks()

    def break_off(self) -> None:
        self.stream.break_off()

    def kill(self) -> None:
        self.api.kill(self.name)

    def wait(self) -> Exit:
        return Exit(self.api.wait(self.name), self.api.out_of_memory(self.name))
