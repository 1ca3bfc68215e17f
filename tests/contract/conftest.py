"""Which engines the contract is held against.

`BUILDER_TEST_ENGINES` names the real ones, separated by commas. One that is named and does not
work makes every test of it fail.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from builder.domain.images import LayoutImage
from builder.engines.discovery import EngineChoice, open_engine
from tests.contract.busybox_image import busybox_image
from tests.contract.registry import Registry, registry_of
from tests.contract.subjects import Play, Subject
from tests.contract.two_architectures import TwoArchitectures, two_architectures
from tests.fakes.engine import FakeEngine

_CHOICES: dict[str, EngineChoice] = {"podman": "podman", "docker": "docker"}

REAL_ENGINES = [
    pytest.param(name.strip(), marks=pytest.mark.engine)
    for name in os.environ.get("BUILDER_TEST_ENGINES", "podman").split(",")
    if name.strip()
]


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> LayoutImage:
    return busybox_image(tmp_path_factory.mktemp("image") / "layout")


@pytest.fixture(scope="session")
def both(tmp_path_factory: pytest.TempPathFactory) -> TwoArchitectures:
    return two_architectures(tmp_path_factory.mktemp("blobs"))


@pytest.fixture(scope="session")
def registry(image: LayoutImage, both: TwoArchitectures) -> Iterator[Registry]:
    with registry_of(image, both.blobs) as one:
        yield one


@pytest.fixture(scope="session")
def variables(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment, with leave to speak to the test's registry without TLS."""
    configuration = tmp_path_factory.mktemp("registries") / "registries.conf"
    configuration.write_text(f'[[registry]]\nlocation = "{registry.address}"\ninsecure = true\n')
    return {**os.environ, "CONTAINERS_REGISTRIES_CONF": str(configuration)}


@pytest.fixture(scope="session", params=REAL_ENGINES)
def real_engine(
    request: pytest.FixtureRequest, image: LayoutImage, variables: dict[str, str]
) -> Iterator[Subject]:
    with open_engine(_CHOICES[request.param], variables) as engine:
        yield Subject(engine, image, engine.ensure_image(image), Play())


@pytest.fixture(scope="session", params=["fake", *REAL_ENGINES])
def any_engine(
    request: pytest.FixtureRequest, image: LayoutImage, variables: dict[str, str]
) -> Iterator[Subject]:
    with ExitStack() as stack:
        play = Play()
        if request.param == "fake":
            engine = FakeEngine(play)
            yield Subject(engine, image, engine.ensure_image(image), play)
        else:
            real = stack.enter_context(open_engine(_CHOICES[request.param], variables))
            yield Subject(real, image, real.ensure_image(image), play)


@pytest.fixture
def subject(any_engine: Subject) -> Subject:
    """Any engine, under a label that no other test uses."""
    one = any_engine
    return Subject(one.engine, one.image, one.identifier, one.play)


@pytest.fixture
def real(real_engine: Subject) -> Subject:
    """A real engine, under a label that no other test uses."""
    one = real_engine
    return Subject(one.engine, one.image, one.identifier, one.play)
