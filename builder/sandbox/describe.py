"""What Python this image has: the facts that markers and wheel tags are made of."""

import os
import platform
import sys
import sysconfig
from typing import Any


def run(task: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001 - every action takes the task
    """The eleven environment markers of PEP 508, and what wheel tags need beside them."""
    implementation = sys.implementation
    return {
        "status": "described",
        "executable": os.path.realpath(sys.executable),
        "version": platform.python_version(),
        "cache_tag": implementation.cache_tag,
        "platform": sysconfig.get_platform(),
        "libc": list(platform.libc_ver()),
        "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        "markers": {
            "implementation_name": implementation.name,
            "implementation_version": _implementation_version(implementation.version),
            "os_name": os.name,
            "platform_machine": platform.machine(),
            # The kernel is the host's: a marker on its release would make the plan depend on it.
            "platform_release": "",
            "platform_system": platform.system(),
            "platform_version": "",
            "python_full_version": platform.python_version(),
            "platform_python_implementation": platform.python_implementation(),
            "python_version": ".".join(platform.python_version_tuple()[:2]),
            "sys_platform": sys.platform,
        },
    }


def _implementation_version(info: Any) -> str:  # noqa: ANN401 - no type has a name
    version = f"{info.major}.{info.minor}.{info.micro}"
    return (
        version if info.releaselevel == "final" else f"{version}{info.releaselevel[0]}{info.serial}"
    )
