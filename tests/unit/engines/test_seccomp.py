import json

import pytest

from builder.engines.seccomp import seccomp_profile
from builder.errors import EngineError

PROFILE = json.loads(seccomp_profile("x86_64").text)


def rules_of(name: str) -> list[dict[str, object]]:
    return [rule for rule in PROFILE["syscalls"] if name in rule["names"]]


def test_a_call_that_nobody_thought_of_does_not_exist() -> None:
    assert (PROFILE["defaultAction"], PROFILE["defaultErrnoRet"]) == ("SCMP_ACT_ERRNO", 38)


@pytest.mark.parametrize(
    ("machine", "architecture"), [("x86_64", "SCMP_ARCH_X86_64"), ("aarch64", "SCMP_ARCH_AARCH64")]
)
def test_only_the_machines_own_calls_are_let_in(machine: str, architecture: str) -> None:
    assert json.loads(seccomp_profile(machine).text)["architectures"] == [architecture]


def test_a_machine_that_nobody_looked_at_is_refused() -> None:
    with pytest.raises(EngineError, match="s390x"):
        seccomp_profile("s390x")


@pytest.mark.parametrize(
    "name",
    [
        "unshare",
        "setns",
        "mount",
        "umount2",
        "pivot_root",
        "chroot",
        "keyctl",
        "add_key",
        "request_key",
        "bpf",
        "perf_event_open",
        "userfaultfd",
        "process_vm_readv",
        "process_vm_writev",
        "name_to_handle_at",
        "open_by_handle_at",
        "modify_ldt",
        "kcmp",
        "pidfd_getfd",
        "fsopen",
        "move_mount",
        "open_tree",
        "reboot",
        "init_module",
    ],
)
def test_a_dangerous_call_is_not_permitted(name: str) -> None:
    assert [(rule["action"], rule["errnoRet"]) for rule in rules_of(name)] == [
        ("SCMP_ACT_ERRNO", 1)
    ]


@pytest.mark.parametrize("name", ["clone3", "io_uring_setup", "io_uring_enter", "memfd_secret"])
def test_a_call_that_programs_can_do_without_does_not_exist(name: str) -> None:
    assert [rule["errnoRet"] for rule in rules_of(name)] == [38]


@pytest.mark.parametrize("name", ["clone", "socket", "socketpair", "personality"])
def test_a_call_with_dangerous_arguments_is_let_in_by_its_arguments(name: str) -> None:
    assert all(rule.get("args") for rule in rules_of(name))


def test_no_call_is_named_twice_without_arguments() -> None:
    plain = [name for rule in PROFILE["syscalls"] if "args" not in rule for name in rule["names"]]

    assert len(plain) == len(set(plain))


def test_the_digest_is_that_of_the_machines_own_profile() -> None:
    assert seccomp_profile("x86_64").digest != seccomp_profile("aarch64").digest
