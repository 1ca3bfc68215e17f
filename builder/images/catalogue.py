"""Every image that can be named: found, bootstrapped, opened and locked."""

import difflib
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from builder.domain.digests import Digest
from builder.domain.images import Image, LayoutImage, RegistryImage
from builder.errors import EngineError, ImageError, InputError, StorageError
from builder.images.containerfile import registry_digest
from builder.images.difference import write_difference
from builder.images.extension import (
    MARK,
    Extension,
    missing,
    replaced_packages,
    require_unchanged,
)
from builder.images.layer import write_layer
from builder.images.layout import WrittenLayout, blob_path, write_layout
from builder.images.lock import (
    BOOTSTRAP_AGAIN,
    BRING_ALONG,
    LOCK_FILE,
    lock_of,
    read_lock,
    require_locked,
    write_lock,
)
from builder.images.mmdebstrap import (
    Host,
    Progress,
    bootstrap,
    bootstrap_arguments,
    extension_arguments,
    host_transport,
    recipe_digest,
)
from builder.images.packages import DebianPackage, read_packages
from builder.images.recipe import (
    RECIPE_FILE,
    DebianBase,
    ImageRecipe,
    RegistryBase,
    differ_in_platform_alone,
    is_debian_package,
    is_image_name,
    parse_mirrors,
    reference_recipe,
)
from builder.images.recipe_file import read_recipe
from builder.images.registry import derive
from builder.images.state import (
    Derived,
    ImageState,
    last_used,
    layout_folder,
    locked,
    mark_used,
    read_state,
    state_folder,
    write_state,
)
from builder.ports import ImageMaker

OpenMaker = Callable[[], AbstractContextManager[ImageMaker]]
"""Opens the engine that makes images."""
_Filled = tuple[WrittenLayout, tuple[DebianPackage, ...]]


def no_maker() -> AbstractContextManager[ImageMaker]:
    """For a catalogue whose images are all bootstrapped or pulled.

    Raises:
        EngineError: always.
    """
    raise EngineError("there is no engine to add packages to an image of a registry with")


@dataclass(frozen=True)
class BuiltImage:
    """An image that is in the cache now."""

    image: LayoutImage
    state: ImageState
    was_there: bool
    """It was in the cache before, so nothing was done."""
    replaced: tuple[str, ...] = ()
    """What a derived image has in other versions than the one below it, in words."""


class ImageCatalogue:
    """The images of some folders, and what of them lies in a cache.

    A name is looked up in the folders in turn, so that a user's image hides a shipped one. A
    registry reference by digest is a name as well.

    Args:
        folders: each holds one folder per image, with its `image.yaml`.
        cache: bootstrapped images lie in its `images/`.
        platform: what an image has that was named by its registry reference.
        host: what is to be known about this machine.
        clock: seconds, for measuring.
        open_maker: opens an engine, which only images of registries need, to get packages.
    """

    def __init__(
        self,
        folders: tuple[Path, ...],
        cache: Path,
        platform: str,
        host: Host,
        clock: Callable[[], float],
        open_maker: OpenMaker = no_maker,
    ) -> None:
        self._folders = folders
        self._images = cache / "images"
        self._platform = platform
        self._host = host
        self._clock = clock
        self._open_maker = open_maker

    def names(self) -> tuple[str, ...]:
        """Every image that has an `image.yaml`, sorted."""
        found = {file.parent.name for folder in self._folders for file in _recipes(folder)}
        return tuple(sorted(found))

    def recipe(self, name: str) -> ImageRecipe:
        """The recipe of an image.

        Raises:
            InputError: there is none, or it is wrong.
        """
        if not is_image_name(name):
            return reference_recipe(name, self._platform)
        return self._recipe(name, ())

    def counterpart(self, name: str, platform: str) -> str | None:
        """The image for another platform that is the same as this one but for the processor.

        That is one that this image extends, directly or not, rather than any other; of the others,
        the first by name. A recipe that is wrong is none.

        Args:
            name: an image.
            platform: what the wanted image is for.

        Returns:
            Its name; None where there is none, and where the image itself is for that platform.

        Raises:
            InputError: there is no such image as `name`, or it is wrong.
        """
        recipe = self.recipe(name)
        if recipe.platform == platform:
            return None
        for other in dict.fromkeys((*self._extended(recipe), *self.names())):
            with suppress(InputError):
                found = self.recipe(other)
                if found.platform == platform and differ_in_platform_alone(recipe, found):
                    return other
        return None

    def state(self, name: str) -> ImageState | None:
        """What the cache holds of an image; None where it is not bootstrapped, or not ours to.

        Raises:
            InputError: there is no such image.
        """
        recipe = self.recipe(name)
        match recipe.base:
            case RegistryBase(packages=()):
                return None
            case _:
                return read_state(self._folder(recipe))

    def derived(self) -> tuple[ImageState, ...]:
        """Every derived image in the cache, by name."""
        found = (read_state(folder) for folder in sorted(self._images.glob(f"*{MARK}*")))
        return tuple(state for state in found if state is not None and state.derived is not None)

    def open(self, name: str) -> Image:
        """The image, for an engine.

        Raises:
            ImageError: it is not bootstrapped yet, or is not the one that was locked.
            InputError: there is no such image.
        """
        return self.as_pulled(name) or self._there(self.recipe(name)).image

    def as_pulled(self, name: str) -> RegistryImage | None:
        """An image that is in its registry as it is to be; None for one that is made here.

        Raises:
            InputError: there is no such image.
        """
        recipe = self.recipe(name)
        match recipe.base:
            case RegistryBase(reference, packages=()):
                return RegistryImage(name, reference, recipe.platform)
            case _:
                return None

    def build(
        self,
        name: str,
        progress: Progress,
        *,
        mirrors: tuple[str, ...] = (),
        force: bool = False,
    ) -> BuiltImage:
        """Bootstraps an image, or adds packages to one of a registry, unless it is there.

        Args:
            name: an image with a `base`, or with `packages`.
            progress: takes lines about what is going on.
            mirrors: instead of those of its recipe.
            force: make it even where it is there.

        Raises:
            EngineError: an engine is needed, and none works here.
            ImageError: it cannot be made, or is another image than the one that was locked.
            InputError: there is no such image, or it comes from a registry as it is.
            StorageError: the disk is full.
        """
        recipe = self.recipe(name)
        base = _made_here(recipe)
        folder = self._folder(recipe)
        with _storage_errors(self._images), self._alone(folder, progress):
            state = None if force else read_state(folder)
            was_there = state is not None
            if state is None:
                match base:
                    case DebianBase():
                        named = parse_mirrors(mirrors)
                        state = self._bootstrap(recipe, base, folder, named, progress)
                    case RegistryBase():
                        with self._open_maker() as maker:
                            state = self._add(recipe, base, folder, maker, progress)
        _check_lock(recipe, state)
        return BuiltImage(state.image, state, was_there)

    def extend(
        self,
        name: str,
        packages: tuple[str, ...],
        progress: Progress,
        *,
        mirrors: tuple[str, ...] = (),
        force: bool = False,
    ) -> BuiltImage:
        """Derives an image with more packages, unless it is there or has them all.

        Args:
            name: a bootstrapped image.
            packages: what it is to have beside its own.
            progress: takes lines about what is going on.
            mirrors: instead of those of its recipe.
            force: derive it even where it is there.

        Raises:
            ImageError: the image is not bootstrapped yet, is not the one that was locked, or the
                packages cannot be added to it.
            InputError: there is no such image, or it comes from a registry.
            StorageError: the disk is full.
        """
        recipe = self.recipe(name)
        if isinstance(recipe.base, RegistryBase):
            raise InputError(
                f"image {name!r} comes from a registry, so no packages can be added to it",
                hint=(
                    "name them under `packages:` in an image.yaml that extends this image, and that"
                    " image under `image:` in the package's settings"
                ),
            )
        for package in packages:
            if not is_debian_package(package):
                raise InputError(f"{package!r} cannot name a Debian package")
        base = self._there(recipe)
        added = missing(base, packages)
        if not added:
            return BuiltImage(base.image, base, was_there=True)
        extension = Extension(recipe, recipe.base, base, added)
        folder = state_folder(self._images, extension.name, extension.digest)
        with _storage_errors(self._images), self._alone(folder, progress):
            state = None if force else read_state(folder)
            was_there = state is not None
            if state is None:
                state = self._derive(extension, folder, parse_mirrors(mirrors), progress)
            else:
                mark_used(state)
        replaced = replaced_packages(base, state)
        _check_extension(extension, replaced)
        return BuiltImage(state.image, state, was_there, replaced)

    def prune(self, unused_since: float, *, dry_run: bool) -> tuple[ImageState, ...]:
        """Removes images that no recipe known here leads to, and derived ones, if nobody uses them.

        Args:
            unused_since: the moment, in seconds since 1970, from which on a use keeps an image.
            dry_run: remove nothing.

        Returns:
            What was removed, or would be.

        Raises:
            InputError: a recipe is wrong.
            StorageError: an image cannot be removed.
        """
        kept = {self._folder(recipe) for recipe in self._known()}
        found = (read_state(folder) for folder in sorted(self._images.glob("[!.]*/")))
        gone = tuple(
            state
            for state in found
            if state is not None and state.folder not in kept and last_used(state) < unused_since
        )
        for state in gone if not dry_run else ():
            with _storage_errors(state.folder), self._alone(state.folder, lambda _: None):
                shutil.rmtree(state.folder)
                _log(state.folder).unlink(missing_ok=True)
        return gone

    def _recipe(self, name: str, extending: tuple[Path, ...]) -> ImageRecipe:
        """A recipe; `extending` are the files that lead to it, each of which extends the next."""
        by = extending[-1] if extending else None
        place = f"{by}: extends: " if by else ""
        found = self._files(name)
        # An image that extends its own name extends the one that it hides.
        files = found[found.index(by) + 1 :] if by in found else found
        if not files:
            raise InputError(
                f"{place}there is no {'other ' if found else ''}image {name!r}",
                hint=self._known_names(name),
            )
        file = files[0]
        if file in extending:
            ring = " extends ".join(one.parent.name for one in (*extending, file))
            raise InputError(
                f"{place}no image can extend itself: {ring}",
                hint=f"leave `extends` out of one of them: {', '.join(map(str, extending))}",
            )
        return read_recipe(file, lambda extended: self._recipe(extended, (*extending, file)))

    def _extended(self, recipe: ImageRecipe) -> tuple[str, ...]:
        """What an image extends, directly or not, the nearest first."""
        found: dict[str, None] = {}
        name = recipe.extends
        while name and name not in found:
            found[name] = None
            name = self.recipe(name).extends
        return tuple(found)

    def _files(self, name: str) -> tuple[Path, ...]:
        """Where an image is described; each file hides those behind it."""
        files = (folder / name / RECIPE_FILE for folder in self._folders)
        return tuple(file for file in files if file.is_file())

    def _known_names(self, name: str) -> str:
        names = [known for known in self.names() if known != name]
        close = difflib.get_close_matches(name, names, n=1)
        return f"did you mean {close[0]!r}?" if close else f"images: {', '.join(names) or 'none'}"

    def _known(self) -> Iterator[ImageRecipe]:
        return (self.recipe(name) for name in self.names())

    def lock(self, name: str, target: Path | None = None) -> Path:
        """Holds an image to what it is now; returns the lock that was written.

        Args:
            name: a bootstrapped image.
            target: the file to write; `image.lock.json` beside `image.yaml` where it is None.

        Raises:
            ImageError: it is not bootstrapped yet.
            InputError: there is no such image, or it comes from a registry.
            StorageError: the lock cannot be written.
        """
        recipe = self.recipe(name)
        _made_here(recipe)
        state = read_state(self._folder(recipe))
        if state is None:
            raise _not_built(recipe)
        file = target or (recipe.folder or Path()) / LOCK_FILE
        write_lock(lock_of(state), file)
        return file

    def _folder(self, recipe: ImageRecipe) -> Path:
        return state_folder(self._images, recipe.name, _digest(recipe))

    def _there(self, recipe: ImageRecipe) -> ImageState:
        state = read_state(self._folder(recipe))
        if state is None:
            raise _not_built(recipe)
        _check_lock(recipe, state)
        mark_used(state)
        return state

    @contextmanager
    def _alone(self, folder: Path, progress: Progress) -> Iterator[None]:
        self._images.mkdir(parents=True, exist_ok=True)
        with locked(folder.with_name(f".{folder.name}.lock")) as waited:
            if waited:
                progress("waited for another process that bootstrapped this image")
            yield

    def _bootstrap(
        self,
        recipe: ImageRecipe,
        base: DebianBase,
        folder: Path,
        mirrors: tuple[str, ...],
        progress: Progress,
    ) -> ImageState:
        def fill(partial: Path) -> _Filled:
            command = bootstrap_arguments(
                recipe.platform,
                base,
                is_root=self._host.is_root,
                mirrors=mirrors,
                transport=host_transport(),
            )
            raw, layer = partial / "bootstrap.tar", partial / "layer.tar"
            bootstrap(command, self._host.running(recipe.platform), raw, _log(folder), progress)
            progress("writing the image")
            write_layer(raw, layer)
            raw.unlink()
            packages = read_packages(layer)
            layout = layout_folder(partial)
            return write_layout(layer, layout, recipe.name, recipe.platform), packages

        return self._make(folder, recipe.name, _digest(recipe), recipe.platform, fill)

    def _add(
        self,
        recipe: ImageRecipe,
        base: RegistryBase,
        folder: Path,
        maker: ImageMaker,
        progress: Progress,
    ) -> ImageState:
        def fill(partial: Path) -> _Filled:
            return derive(maker, recipe, base, self._host, partial, _log(folder), progress)

        return self._make(folder, recipe.name, _digest(recipe), recipe.platform, fill)

    def _derive(
        self, extension: Extension, folder: Path, mirrors: tuple[str, ...], progress: Progress
    ) -> ImageState:
        recipe, base = extension.recipe, extension.base

        def fill(partial: Path) -> _Filled:
            require_unchanged(base)
            below = blob_path(base.placed.folder, base.layout.diff_id)
            command = extension_arguments(
                recipe.platform,
                extension.debian,
                extension.added,
                is_root=self._host.is_root,
                mirrors=mirrors,
                transport=host_transport(),
            )
            raw, layer = partial / "bootstrap.tar", partial / "layer.tar"
            bootstrap(
                command, self._host.running(recipe.platform), raw, _log(folder), progress, below
            )
            progress("writing the image")
            packages = read_packages(raw)
            write_difference(below, raw, layer)
            raw.unlink()
            layout = layout_folder(partial)
            written = write_layout(layer, layout, extension.name, recipe.platform, base.placed)
            return written, packages

        name, digest, derived = extension.name, extension.digest, extension.derived
        return self._make(folder, name, digest, recipe.platform, fill, derived)

    def _make(
        self,
        folder: Path,
        name: str,
        digest: Digest,
        platform: str,
        fill: Callable[[Path], _Filled],
        derived: Derived | None = None,
    ) -> ImageState:
        """Makes an image, which appears in its folder whole or not at all.

        `fill` puts its layout into the folder that it is given, and says what is in it.
        """
        started = self._clock()
        with _appearing(folder) as partial:
            layout, packages = fill(partial)
            state = ImageState(
                name=name,
                recipe=digest,
                layout=layout,
                platform=platform,
                packages=packages,
                seconds=self._clock() - started,
                folder=partial,
                derived=derived,
            )
            write_state(state)
        return replace(state, folder=folder)


def _recipes(folder: Path) -> Iterator[Path]:
    return folder.glob(f"*/{RECIPE_FILE}")


def _digest(recipe: ImageRecipe) -> Digest:
    match recipe.base:
        case DebianBase() as base:
            return recipe_digest(recipe, base)
        case RegistryBase() as base:
            return registry_digest(recipe, base)


def _made_here(recipe: ImageRecipe) -> DebianBase | RegistryBase:
    match recipe.base:
        case RegistryBase(reference, packages=()):
            raise InputError(
                f"image {recipe.name!r} is not made here: it is {reference}",
                hint="it is pulled, and checked against that digest, when it is first used",
            )
        case base:
            return base


def _check_lock(recipe: ImageRecipe, state: ImageState) -> None:
    if recipe.folder is None:
        return
    file = recipe.folder / LOCK_FILE
    lock = read_lock(file)
    if lock is not None:
        match recipe.base:
            case DebianBase():
                require_locked(state, lock, file, BOOTSTRAP_AGAIN)
            case RegistryBase():
                require_locked(state, lock, file, BRING_ALONG)


def _not_built(recipe: ImageRecipe) -> ImageError:
    made = "bootstrapped" if isinstance(recipe.base, DebianBase) else "built"
    return ImageError(
        f"image {recipe.name!r} is not {made} yet", hint=f"builder image build {recipe.name}"
    )


def _check_extension(extension: Extension, replaced: tuple[str, ...]) -> None:
    if not replaced or extension.recipe.folder is None:
        return
    file = extension.recipe.folder / LOCK_FILE
    if file.exists():
        raise ImageError(
            f"{', '.join(extension.added)} cannot stand on image {extension.recipe.name!r} as it is"
            f" locked in {file}:\n" + "\n".join(f"  {line}" for line in replaced),
            hint=(
                f"take newer packages into the image: builder image build {extension.recipe.name}"
                f" --force, builder image lock {extension.recipe.name}; or use an archive of the"
                " day it was locked (`mirror:` in image.yaml)"
            ),
        )


def _log(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.log")


@contextmanager
def _appearing(folder: Path) -> Iterator[Path]:
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        yield partial
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    _replace_folder(partial, folder)


def _replace_folder(partial: Path, folder: Path) -> None:
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    partial.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _storage_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{folder}: {error.strerror or error}",
            hint="check that the disk has space left and that the folder is yours",
        ) from error
