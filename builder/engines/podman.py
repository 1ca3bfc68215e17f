"""The Engine port over Podman's API.

Requests are posted as they are made in `podman_requests`: the SDK's own methods drop options that
isolation needs. What else is asked of Podman goes through the SDK.
"""

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
from builder.engines.emulation import require_runnable
from builder.engines.platforms import check_platform, check_reference
from builder.engines.podman_api import PodmanApi
from builder.engines.podman_requests import PodmanPosture, create_request
from builder.engines.posture import (
    RUN_LABEL,
    check,
    give_writable_sources,
    pin_to_processors,
)
from builder.engines.supervision import KILLED, Exit, supervise
from builder.errors import EngineError, ImageError

_WARM_UP = ("/usr/bin/env",)


class PodmanEngine:
    """Runs containers on a Podman service that listens on a socket of this host."""

    def __init__(self, socket: Path, facts: EngineFacts, posture: PodmanPosture) -> None:
        self._socket = socket
        self._facts = facts
        self._posture = posture
        self._api = PodmanApi(socket)
        self._ready: set[str] = set()
        self._images = threading.Lock()
        self._creating = threading.Lock()

    @property
    def facts(self) -> EngineFacts:
        return self._facts

    @property
    def _kills_are_unmarked(self) -> bool:
        return self._posture.held.memory and self._facts.cgroups == "v1"

    def close(self) -> None:
        self._api.close()

    def ensure_image(self, image: Image) -> str:
        require_runnable(image.platform)
        with self._images:
            identifier = self._had(image)
            if identifier not in self._ready:
                self._warm_up(identifier)
                self._ready.add(identifier)
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
        give_writable_sources(spec, self._posture.identity.owner)
        request = create_request(spec, self._posture, secrets.token_hex(4))
        name = str(request["name"])
        try:
            # Podman looks the caller's subordinate IDs up through libsubid, which is not made for
            # threads: of two containers that are created at once, one finds none.
            with self._creating:
                self._api.create(request)
            with OutputStream.attach(self._socket, self._api.attach_path(name)) as stream:
                if spec.limits.cpus and not self._posture.held.processors:
                    pin_to_processors(self._api.process(name), spec.limits.cpus)
                self._api.start(name)
                container = _StartedContainer(
                    self._api, name, stream, kills_are_unmarked=self._kills_are_unmarked
                )
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
        match image:
            case LayoutImage():
                return self._load(image)
            case RegistryImage():
                check_reference(image)
                identifier = self._api.pull(image)
                check_platform("Podman", image, self._api.platform(identifier))
                return identifier

    def _load(self, image: LayoutImage) -> str:
        identifier = str(image.config)
        if not self._api.has_image(identifier):
            self._api.load(image)
            if not self._api.has_image(identifier):
                raise ImageError(f"Podman loaded {local_reference(image)} as another image")
        check_platform("Podman", image, self._api.platform(identifier))
        return identifier

    def _warm_up(self, identifier: str) -> None:
        """Podman copies an image once for each mapping of users; that must not count as a build."""
        spec = ContainerSpec(name="builder-warm-up", image=identifier, command=_WARM_UP)
        said: list[bytes] = []
        try:
            ended = self.run(spec, said.append, threading.Event())
        except EngineError as error:
            raise ImageError(
                f"no container of the image {identifier} starts: {error.message}", hint=error.hint
            ) from error
        if not ended.succeeded:
            text = b"".join(said).decode(errors="replace").strip()
            raise ImageError(f"the image {identifier} cannot even run env: {text or ended.status}")


@dataclass(frozen=True)
class _StartedContainer:
    api: PodmanApi
    name: str
    stream: OutputStream
    kills_are_unmarked: bool

    def chunks(self) -> Iterator[bytes]:
        return self.stream.chunks()

    def break_off(self) -> None:
        self.stream.break_off()

    def kill(self) -> None:
        self.api.kill(self.name)

    def wait(self) -> Exit:
        """A kill that was not ours has to do where Podman cannot tell what ran out of memory."""
        status = self.api.wait(self.name)
        marked = self.api.out_of_memory(self.name)
        return Exit(status, marked or (self.kills_are_unmarked and status == KILLED))
