"""Small files that the user names by URL, such as requirements and constraints."""

import time
from contextlib import closing
from urllib.parse import urlsplit

from builder.errors import InputError
from builder.indexes.addresses import IndexAddress, shown, without_credentials
from builder.indexes.local import read_local
from builder.indexes.transport import Limits, Transport, check_status


def read_document(url: str, limits: Limits | None = None) -> bytes:
    """Gets what is behind an `https` or `file` URL, which may hold credentials.

    Raises:
        InputError: the URL is of another kind.
        IndexUnreachableError: it cannot be read, or is longer than metadata may be.
    """
    limits = limits or Limits()
    if urlsplit(url).scheme not in {"https", "file"}:
        raise InputError(f"only https and file URLs are read: {shown(url)}", hint="use https")
    most = limits.metadata_bytes
    if urlsplit(url).scheme == "file":
        answer = read_local(url, most)
    else:
        address = IndexAddress.parse(url.partition("?")[0].partition("#")[0])
        with closing(Transport([address], limits, time.sleep)) as transport:
            answer = transport.read(without_credentials(url), "text/plain, */*;q=0.1", most)
    check_status(url, answer.status)
    return answer.body
