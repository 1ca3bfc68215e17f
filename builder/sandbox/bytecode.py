"""Compiles the modules of unpacked wheels, for the interpreter of this image."""

import os
import py_compile
import zipfile
from typing import Any

SCRATCH = "/build/module.pyc"


def run(task: dict[str, Any]) -> dict[str, Any]:
    """Compiles /trees/N/… into /out/bytecode.zip, one entry a module, named as the module is.

    The bytecode is bound to nothing but the file it was made from (unchecked hash, PEP 552): it is
    used read-only, beside that very file.
    """
    count = 0
    with zipfile.ZipFile("/out/bytecode.zip", "w", zipfile.ZIP_STORED) as packed:
        for tree in sorted(os.listdir("/trees")):
            count += _compile_tree(tree, task["prefix"], packed)
    return {"status": "compiled", "count": count}


def _compile_tree(tree: str, prefix: str, packed: zipfile.ZipFile) -> int:
    root = os.path.join("/trees", tree)
    count = 0
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(files):
            if not name.endswith(".py"):
                continue
            path = os.path.join(folder, name)
            relative = os.path.relpath(path, root)
            content = _compiled(path, os.path.join(prefix, relative))
            if content is not None:
                entry = zipfile.ZipInfo(f"{tree}/{relative}", (1980, 1, 1, 0, 0, 0))
                packed.writestr(entry, content)
                count += 1
    return count


def _compiled(path: str, shown_path: str) -> bytes | None:
    try:
        py_compile.compile(
            path,
            cfile=SCRATCH,
            dfile=shown_path,
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
    except (py_compile.PyCompileError, ValueError, OSError, RecursionError, MemoryError):
        # Templates and files for other Pythons do not compile; they are imported by nobody.
        return None
    with open(SCRATCH, "rb") as file:
        return file.read()
