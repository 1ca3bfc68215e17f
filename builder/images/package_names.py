"""What packages may be called, which differs between the families of distributions."""

import re
from typing import Literal, get_args

PackageManager = Literal["apt", "dnf", "microdnf"]
PACKAGE_MANAGERS: tuple[PackageManager, ...] = get_args(PackageManager)

ANY_NAME = r"[A-Za-z0-9_][A-Za-z0-9_+.~^:-]*"
"""Some distribution's package, without the version that Debian writes behind `=`."""
ANY_PACKAGE = rf"{ANY_NAME}(=[A-Za-z0-9.+~:-]+)?"
"""Some distribution's package: more cannot be said before it is known who installs it."""

_DEBIAN = re.compile(r"[a-z0-9][a-z0-9+.-]+(:[a-z0-9]+)?(=[A-Za-z0-9.+~:-]+)?")
_RPM = re.compile(ANY_NAME)


def is_package(text: str, manager: PackageManager | None) -> bool:
    """Whether this can name a package, with its version or not.

    Args:
        text: what stands in `packages`.
        manager: what is to install it; None where that is not known yet.
    """
    match manager:
        case "apt":
            return _DEBIAN.fullmatch(text) is not None
        case "dnf" | "microdnf":
            return _RPM.fullmatch(text) is not None
        case None:
            return any(is_package(text, one) for one in PACKAGE_MANAGERS)
