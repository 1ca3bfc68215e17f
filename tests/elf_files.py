"""ELF files made for tests: shared objects that need, and are, what a test says."""

import struct
from dataclasses import dataclass

_NULL, _STRTAB, _DYNAMIC, _VERNEED = 0, 3, 6, 0x6FFFFFFE
_NEEDED, _SONAME, _GNU_HASH = 1, 14, 0x6FFFFEF5
_HEADER, _SECTION_HEADER = 64, 64


class _Strings:
    """A string table in the making."""

    def __init__(self) -> None:
        self.content = b"\0"

    def put(self, text: str) -> int:
        offset = len(self.content)
        self.content += text.encode("utf-8", "surrogateescape") + b"\0"
        return offset


@dataclass(frozen=True)
class SharedObject:
    """A shared object without any code.

    Attributes:
        versions: of symbols that it needs, by library.
        machine: as ELF counts them; that of x86-64 by default.
        kind: as ELF counts them: 1 for objects, 2 for programs, 3 for what is shared.
    """

    soname: str = ""
    needed: tuple[str, ...] = ()
    versions: tuple[tuple[str, tuple[str, ...]], ...] = ()
    has_gnu_hash: bool = False
    machine: int = 62
    kind: int = 3

    def content(self) -> bytes:
        strings, names = _Strings(), _Strings()
        tags = [(_NEEDED, strings.put(one)) for one in self.needed]
        tags += [(_SONAME, strings.put(self.soname))] if self.soname else []
        tags += [(_GNU_HASH, 0)] if self.has_gnu_hash else []
        dynamic = b"".join(struct.pack("<qQ", *tag) for tag in (*tags, (_NULL, 0)))
        verneed = self._verneed(strings)
        parts = [
            (".dynamic", _DYNAMIC, dynamic, 0),
            (".dynstr", _STRTAB, strings.content, 0),
            (".gnu.version_r", _VERNEED, verneed, len(self.versions)),
            (".shstrtab", _STRTAB, b"", 0),
        ]
        offsets = [names.put(name) for name, *_ in parts]
        parts[3] = (".shstrtab", _STRTAB, names.content, 0)
        body, headers = b"", bytes(_SECTION_HEADER)
        for name, (_, kind, content, info) in zip(offsets, parts, strict=True):
            where = _HEADER + len(body)
            link = 0 if kind == _STRTAB else 2
            headers += struct.pack(
                "<IIQQQQIIQQ", name, kind, 0, 0, where, len(content), link, info, 1, 0
            )
            body += content
        return self._header(_HEADER + len(body), len(parts) + 1) + body + headers

    def _verneed(self, strings: _Strings) -> bytes:
        packed = b""
        for library, versions in self.versions:
            size = 16 + 16 * len(versions)
            packed += struct.pack("<HHIII", 1, len(versions), strings.put(library), 16, size)
            for version in versions:
                packed += struct.pack("<IHHII", 0, 0, 2, strings.put(version), 16)
        return packed

    def _header(self, sections_at: int, sections: int) -> bytes:
        identity = b"\x7fELF\x02\x01\x01" + bytes(9)
        numbers = (
            self.kind,
            self.machine,
            1,
            0,
            0,
            sections_at,
            0,
            _HEADER,
            56,
            0,
            _SECTION_HEADER,
            sections,
        )
        return identity + struct.pack("<HHIQQQIHHHHHH", *numbers, sections - 1)
