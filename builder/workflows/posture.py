"""Looks at the sandbox from inside before anything of upstream runs, and stops where it leaks."""

import json

from pydantic import BaseModel, ConfigDict, ValidationError

from builder.domain.containers import Enforcement
from builder.errors import EngineError
from builder.workflows.asking import Unanswered, ask
from builder.workflows.sandbox import Interior, Sandbox

_UNUSABLE = "the probe of the sandbox left no usable result"
_SECCOMP_FILTER = "2"
_WRITABLE = {"/build", "/dev/shm", "/out", "/tmp"}  # noqa: S108 - inside a container


class _Seen(BaseModel):
    model_config = ConfigDict(extra="forbid")

    status: str
    uid: int
    capabilities: str
    no_new_privileges: str
    seccomp: str
    interfaces: list[str]
    outside: str
    vsock: str
    user_namespace: str
    keyctl: str
    writable_roots: list[str]
    hostname: str
    resolvers: list[str]
    hosts: list[str]


def require_posture(sandbox: Sandbox, interior: Interior) -> None:
    """Makes sure that what was promised holds inside.

    Raises:
        EngineError: something does not.
    """
    broken = [promise for promise in probe(sandbox, interior) if not promise.kept]
    if broken:
        lines = "".join(f"\n  {one.promise}: {one.means}" for one in broken)
        raise EngineError(
            f"the sandbox does not hold what it promises, so nothing is built:{lines}",
            hint="`builder doctor` shows what this host's engines can do",
        )


def probe(sandbox: Sandbox, interior: Interior | None = None) -> tuple[Enforcement, ...]:
    """What a container of the very kind that builds get really is, seen from inside."""
    try:
        answer = ask(sandbox, "probe", interior)
        seen = _Seen.model_validate(json.loads(answer))
    except Unanswered as unanswered:
        if not unanswered.started:
            raise EngineError(f"no container can be started: {unanswered}") from unanswered
        raise EngineError(_UNUSABLE) from unanswered
    except (ValidationError, ValueError) as error:
        raise EngineError(_UNUSABLE) from error
    return tuple(_promises(seen))


def _promises(seen: _Seen) -> list[Enforcement]:
    found: list[tuple[str, bool, object]] = [
        ("an unprivileged user", seen.uid != 0, f"uid {seen.uid}"),
        ("no capabilities", not seen.capabilities.strip("0"), seen.capabilities),
        ("no new privileges", seen.no_new_privileges == "1", seen.no_new_privileges),
        ("a seccomp filter", seen.seccomp == _SECCOMP_FILTER, seen.seccomp),
        ("no network interface", set(seen.interfaces) <= {"lo"}, seen.interfaces),
        ("no route to anywhere", seen.outside != "allowed", seen.outside),
        ("no AF_VSOCK", seen.vsock != "allowed", seen.vsock),
        ("no new namespaces", seen.user_namespace != "allowed", seen.user_namespace),
        ("no kernel keyring", seen.keyctl != "allowed", seen.keyctl),
        ("no resolver", not seen.resolvers, seen.resolvers),
        (
            "nothing writable but scratch",
            set(seen.writable_roots) <= _WRITABLE,
            seen.writable_roots,
        ),
    ]
    return [Enforcement(promise, kept, f"found {what}") for promise, kept, what in found]
