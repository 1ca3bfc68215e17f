"""Images that packages ask for: loaded, held to the target and probed once, when needed."""

import json
import threading
from pathlib import Path

import pytest

from builder.domain.digests import Digest
from builder.domain.images import LayoutImage, RegistryImage, TargetPython
from builder.errors import EngineError, ImageError
from builder.stores.files import FileStore
from builder.workflows.agent import install_agent
from builder.workflows.describe import describe_target
from builder.workflows.interiors import Interiors
from builder.workflows.sandbox import Room, Sandbox
from tests.fakes.engine import FakeEngine, Stage

RUN = "sha256:" + "0" * 64
REGISTRY = RegistryImage("pulled", f"registry.example/x@sha256:{'2' * 64}", "linux/amd64")
DESCRIPTION = {
    "status": "described",
    "executable": "/usr/bin/python3.13",
    "version": "3.13.5",
    "cache_tag": "cpython-313",
    "platform": "linux-x86_64",
    "libc": ["glibc", "2.41"],
    "free_threaded": False,
    "markers": {
        "implementation_name": "cpython",
        "implementation_version": "3.13.5",
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": "3.13.5",
        "platform_python_implementation": "CPython",
        "python_version": "3.13",
        "sys_platform": "linux",
    },
}
SEEN = {
    "status": "seen",
    "uid": 1000,
    "capabilities": "0",
    "no_new_privileges": "1",
    "seccomp": "2",
    "interfaces": ["lo"],
    "outside": "refused",
    "vsock": "refused",
    "user_namespace": "refused",
    "keyctl": "refused",
    "writable_roots": ["/out"],
    "hostname": "x",
    "resolvers": [],
    "hosts": [],
}


class House:
    """An engine whose images have one Python each.

    Attributes:
        pythons: by image ID, what is other than in the image of the run.
        leaky: the IDs of images in which the sandbox does not hold.
        ran: the action and the image of every container, in order.
    """

    def __init__(self, folder: Path) -> None:
        self.pythons: dict[str, dict[str, object]] = {}
        self.leaky: set[str] = set()
        self.ran: list[tuple[str, str]] = []
        self.folder = folder
        self.engine = FakeEngine(self._play)
        room = Room(RUN, "python3", folder / "scratch", {"builder.run": "1"})
        self.sandbox = Sandbox(self.engine, install_agent(folder), room, threading.Event())
        self.store = FileStore(folder / "store")
        self.target: TargetPython = describe_target(self.sandbox, self.store)
        self.ran.clear()

    def interiors(self) -> Interiors:
        return Interiors(self.engine, self.sandbox, self.store, self.target)

    def image(self, name: str) -> LayoutImage:
        blobs = self.folder / name / "blobs/sha256"
        blobs.mkdir(parents=True)
        config = Digest.of_bytes(name.encode())
        (blobs / config.sha256).write_bytes(name.encode())
        return LayoutImage(name, self.folder / name, config, Digest("1" * 64), "linux/amd64")

    def _play(self, stage: Stage) -> int:
        action = json.loads((stage.folder("/in") / "task.json").read_text())["action"]
        self.ran.append((action, stage.spec.image))
        answer: dict[str, object] = {**DESCRIPTION, **self.pythons.get(stage.spec.image, {})}
        if action == "probe":
            answer = {**SEEN, "uid": 0 if stage.spec.image in self.leaky else 1000}
        stage.write("/out/result.json", json.dumps(answer).encode())
        return 0


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_what_comes_before_the_first_build_is_done_once(house: House) -> None:
    done: list[str] = []
    interiors = Interiors(
        house.engine, house.sandbox, house.store, house.target, lambda: done.append("measured")
    )
    other = interiors.add(house.image("other"), "python3")

    assert not done
    for image in (RUN, other, RUN):
        interiors.ready(image)

    assert done == ["measured"]


def test_the_image_of_the_run_is_probed_once(house: House) -> None:
    interiors = house.interiors()

    assert interiors.ready(RUN) == house.sandbox.interior
    assert interiors.ready(RUN) == house.sandbox.interior
    assert house.ran == [("probe", RUN)]
    assert house.engine.images == []


def test_another_image_is_loaded_described_and_probed_once(house: House) -> None:
    image = house.image("other")
    identifier = str(image.config)
    interiors = house.interiors()

    assert interiors.add(image, "/usr/bin/python3") == identifier
    assert interiors.add(image, "/usr/bin/python3") == identifier
    interior = interiors.ready(identifier)
    interiors.ready(identifier)

    assert interior.image == identifier
    assert house.ran == [("describe", identifier), ("probe", identifier)]
    assert house.engine.images == [image]
    assert house.engine.specs[-1].command[0] == "/usr/bin/python3"


def test_an_image_that_nothing_runs_in_is_not_loaded(house: House) -> None:
    image = house.image("other")
    house.interiors().add(image, "/usr/bin/python3")
    house.engine.images.clear()
    again = House(house.folder)

    again.interiors().add(image, "/usr/bin/python3")

    assert again.engine.images == []
    assert again.ran == []


def test_an_image_of_a_registry_is_known_by_what_the_engine_pulls(house: House) -> None:
    identifier = house.interiors().add(REGISTRY, "/usr/bin/python3")

    assert identifier == f"sha256:{'2' * 64}"
    assert house.engine.images == [REGISTRY]


def test_an_image_with_another_python_is_refused_with_what_differs(house: House) -> None:
    image = house.image("older")
    markers = {**DESCRIPTION["markers"], "python_full_version": "3.13.4"}  # type: ignore[dict-item]
    house.pythons[str(image.config)] = {
        "executable": "/opt/python",
        "version": "3.13.4",
        "markers": markers,
        "libc": ["glibc", "2.36"],
    }

    with pytest.raises(ImageError) as caught:
        house.interiors().add(image, "/opt/python")

    assert "image 'older' has another Python than the image of the run" in caught.value.message
    assert "it lies at /opt/python, not at /usr/bin/python3.13" in caught.value.message
    assert "python_full_version is '3.13.4', not '3.13.5'" in caught.value.message
    assert "fewer wheels fit it: " in caught.value.message


def test_nothing_runs_in_an_image_that_leaks(house: House) -> None:
    image = house.image("other")
    house.leaky.add(str(image.config))
    interiors = house.interiors()
    identifier = interiors.add(image, "/usr/bin/python3")

    for _ in range(2):
        with pytest.raises(EngineError, match="an unprivileged user: found uid 0"):
            interiors.ready(identifier)
