"""Every way a command can end early, each with its exit status and a hint.

Statuses follow Nix where it has one: 100 a build failed, 101 a build ran out of time, 102 a digest
did not match. Below 100 the fault is in what was asked or in where it runs, not in a build.
"""

from enum import IntEnum


class ExitStatus(IntEnum):
    """What the process says to the shell."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    IMPOSSIBLE = 3
    ENVIRONMENT = 4
    UNREACHABLE = 5
    BUILD_FAILED = 100
    BUILD_TIMED_OUT = 101
    DIGEST_MISMATCH = 102
    INTERRUPTED = 130


class BuilderError(Exception):
    """This command cannot go on.

    Attributes:
        message: what happened, to which package or file, because of what.
        hint: what the user can do about it; empty where nothing better is known.
    """

    status = ExitStatus.INTERNAL

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InputError(BuilderError):
    """A file, an option or a requirement that the user gave is not usable."""

    status = ExitStatus.USAGE


class PluginError(BuilderError):
    """A plugin of the operator cannot be used, raised, or gave back what it must not."""

    status = ExitStatus.USAGE


class ImpossibleError(BuilderError):
    """No set of releases satisfies what was asked."""

    status = ExitStatus.IMPOSSIBLE


class EngineError(BuilderError):
    """No container engine works here, or one refused what isolation needs."""

    status = ExitStatus.ENVIRONMENT


class ImageError(BuilderError):
    """A base image cannot be bootstrapped, loaded, or is not the one that was locked."""

    status = ExitStatus.ENVIRONMENT


class ImageDigestError(ImageError):
    """What a registry gives as an image is not what the image's digest names."""

    status = ExitStatus.DIGEST_MISMATCH


class StorageError(BuilderError):
    """The disk is full, read-only, or holds something that it should not."""

    status = ExitStatus.ENVIRONMENT


class IndexUnreachableError(BuilderError):
    """An index did not answer, or answered with an error, until the last retry."""

    status = ExitStatus.UNREACHABLE


class GitMissingError(BuilderError):
    """A repository is to be fetched, and this host has no git."""

    status = ExitStatus.ENVIRONMENT


class DigestMismatchError(BuilderError):
    """Bytes from outside are not the bytes that were promised."""

    status = ExitStatus.DIGEST_MISMATCH
