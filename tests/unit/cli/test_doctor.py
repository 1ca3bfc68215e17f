from builder.app.doctor import ForeignPlatform, Processors
from builder.cli.doctor import processor_lines


def test_every_foreign_platform_is_told_with_what_mends_it() -> None:
    found = Processors(
        "linux/amd64",
        (
            ForeignPlatform("linux/arm64", emulated=True, summary="/usr/bin/qemu-aarch64"),
            ForeignPlatform(
                "linux/s390x", emulated=False, summary="none is registered", remedy="register one"
            ),
        ),
    )

    assert list(processor_lines(found)) == [
        "processors: linux/amd64 natively, and those that are emulated",
        "  emulated      linux/arm64: /usr/bin/qemu-aarch64",
        "  NOT emulated  linux/s390x: none is registered",
        "                mend it, as root: register one",
    ]
