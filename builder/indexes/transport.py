"""HTTP to indexes: trust, credentials, retries and redirects, in one place."""

import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from http.cookiejar import DefaultCookiePolicy
from itertools import takewhile
from pathlib import Path
from typing import Any, cast
from urllib.parse import urljoin

import requests
import truststore
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from builder.errors import IndexUnreachableError
from builder.indexes.addresses import IndexAddress, origin, refusal, shown

_MIB = 1 << 20
_CHUNK = 1 << 16
_BUSY = frozenset({429, 500, 502, 503, 504})
_TLS_HINT = (
    "the system's trust store does not know who signed this host's certificate; install the "
    "authority there, or name a bundle in REQUESTS_CA_BUNDLE"
)
_TOKEN_HEADERS = ("PRIVATE-TOKEN", "JOB-TOKEN")
_LOGIN_HINT = "put user and password into the index URL or into ~/.netrc"


@dataclass(frozen=True)
class Token:
    """What a host knows the user by, as a header of requests to it and to nobody else."""

    url: str
    header: str
    value: str = field(repr=False)


@dataclass(frozen=True)
class Limits:
    """How long to wait, how often to try again, and how much to take."""

    connect_seconds: float = 10
    read_seconds: float = 60
    body_seconds: float = 600
    retries: int = 5
    backoff_seconds: float = 0.5
    retry_after_seconds: int = 60
    connections: int = 16
    page_bytes: int = 64 * _MIB
    page_files: int = 200_000
    metadata_bytes: int = 16 * _MIB
    file_bytes: int = 4096 * _MIB


@dataclass(frozen=True)
class Answer:
    """A whole answer, and where it came from after redirects."""

    url: str
    status: int
    content_type: str
    body: bytes


class BrokenBodyError(Exception):
    """An answer stopped before its end; the request is worth another try."""


class Transport:
    """Speaks HTTP for every index of a run. Safe from several threads."""

    def __init__(
        self,
        indexes: Sequence[IndexAddress],
        limits: Limits,
        sleep: Callable[[float], None],
        tokens: Sequence[Token] = (),
    ) -> None:
        self._indexes = indexes
        self._tokens = tokens
        self._limits = limits
        self._sleep = sleep
        self._session = _Session(limits)

    def read(self, url: str, accept: str, most: int) -> Answer:
        """Gets a whole answer of any status that is not worth a retry.

        Raises:
            IndexUnreachableError: no answer came, or more than `most` bytes.
        """
        reason = ""
        for attempt in range(self._limits.retries + 1):
            if attempt:
                self.pause(attempt)
            with self.get(url, {"Accept": accept}) as response:
                try:
                    body = self._whole_body(response, most)
                except BrokenBodyError as error:
                    reason = str(error)
                    continue
            kind = response.headers.get("Content-Type", "text/html").partition(";")[0]
            return Answer(response.url, response.status_code, kind.strip().lower(), body)
        message = f"{shown(url)}: the answer broke off {self._limits.retries + 1} times: {reason}"
        raise IndexUnreachableError(message, hint="try again later; the index or a proxy is ill")

    @contextmanager
    def get(self, url: str, headers: Mapping[str, str]) -> Iterator[requests.Response]:
        """Opens an answer whose body is yet to be read.

        Raises:
            IndexUnreachableError: there is none, even after retries.
        """
        try:
            response = self._session.get(
                url,
                headers=dict(headers),
                auth=self._login(url),
                stream=True,
                timeout=(self._limits.connect_seconds, self._limits.read_seconds),
            )
        except (requests.RequestException, HTTPError) as error:
            raise unreachable(url, error) from None
        with response:
            yield response

    def pause(self, attempt: int) -> None:
        """Waits before another try, longer each time."""
        self._sleep(min(self._limits.backoff_seconds * 2 ** (attempt - 1), 30))

    def close(self) -> None:
        self._session.close()

    def _whole_body(self, response: requests.Response, most: int) -> bytes:
        body = bytearray()
        deadline = time.monotonic() + self._limits.body_seconds
        for chunk in _decoded(response):
            body += chunk
            if len(body) > most:
                message = f"{shown(response.url)}: the answer is longer than {most:,} bytes"
                raise IndexUnreachableError(message, hint="is this the URL of a package index?")
            if time.monotonic() > deadline:
                seconds = self._limits.body_seconds
                message = f"{shown(response.url)}: the answer took longer than {seconds:g} s"
                raise IndexUnreachableError(message, hint="try again later")
        return bytes(body)

    def _login(self, url: str) -> tuple[str, str] | AuthBase | None:
        """The token of this origin, else the login of its index that shares most of the path."""
        token = next((it for it in self._tokens if origin(it.url) == origin(url)), None)
        if token is not None:
            return _TokenLogin(token)
        same = [it for it in self._indexes if it.credentials and origin(it.url) == origin(url)]
        nearest = max(same, key=lambda it: _shared(it.url, url), default=None)
        if nearest is None or nearest.credentials is None:
            return None
        return nearest.credentials.user, nearest.credentials.password


def check_status(url: str, status: int) -> None:
    """Accepts only a success.

    Raises:
        IndexUnreachableError: the status is an error.
    """
    if 200 <= status < 300:
        return
    hint = _LOGIN_HINT if status in {401, 403, 407} else "try again later"
    raise IndexUnreachableError(f"{shown(url)} answered with status {status}", hint=hint)


def unreachable(url: str, error: Exception) -> IndexUnreachableError:
    """The error to raise where no answer came; holds no credentials."""
    if isinstance(error, requests.exceptions.SSLError):
        hint = _TLS_HINT
    elif isinstance(error, requests.exceptions.ProxyError):
        hint = "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY"
    elif isinstance(error, _RefusedRedirectError):
        hint = "give the URL where the index really is"
    else:
        hint = "check the network, the proxy variables and the URL of the index"
    return IndexUnreachableError(f"{shown(url)} could not be read: {shown(str(error))}", hint=hint)


def _shared(one: str, other: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


class _RefusedRedirectError(requests.RequestException):
    pass


class _TokenLogin(AuthBase):
    def __init__(self, token: Token) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers[self._token.header] = self._token.value
        return request


class _Session(requests.Session):
    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self.max_redirects = 10
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = _SystemTrust(
            pool_connections=limits.connections,
            pool_maxsize=limits.connections,
            max_retries=_retry(limits),
        )
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        target = super().get_redirect_target(resp)
        if target is None:
            return None
        there = urljoin(resp.url, target)
        if reason := refusal(resp.url, there):
            resp.close()
            raise _RefusedRedirectError(f"it redirects to {shown(there)}, and {reason}")
        return target

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        """Leaves tokens behind, as the library does logins, where a redirect leaves their host."""
        if origin(prepared_request.url or "") != origin(response.request.url or ""):
            for header in _TOKEN_HEADERS:
                prepared_request.headers.pop(header, None)
        super().rebuild_auth(prepared_request, response)  # type: ignore[no-untyped-call]


class _SystemTrust(HTTPAdapter):
    """Trusts whom the system trusts, or exactly the bundle that the user named."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as inherited
        super().init_poolmanager(*args, ssl_context=_system_context(), **kwargs)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:  # noqa: ANN401 - as inherited
        return super().proxy_manager_for(proxy, ssl_context=_system_context(), **kwargs)

    def build_connection_pool_key_attributes(
        self,
        request: requests.PreparedRequest,
        verify: Any,  # noqa: ANN401 - as inherited
        cert: Any = None,  # noqa: ANN401 - as inherited
    ) -> Any:  # noqa: ANN401 - as inherited
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        own = cast("dict[str, object]", pool)
        if isinstance(verify, str):
            own["ssl_context"] = _bundle_context(verify)
        own.pop("ca_certs", None)
        own.pop("ca_cert_dir", None)
        return host, pool

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:  # noqa: ANN401
        """Does as inherited, but leaves the choice of authorities to the context."""
        super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]
        conn.ca_certs = None
        conn.ca_cert_dir = None


def _system_context() -> ssl.SSLContext:
    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@lru_cache
def _bundle_context(path: str) -> ssl.SSLContext:
    """One context per bundle: connections are pooled by context, and reading bundles takes time."""
    if Path(path).is_dir():
        return ssl.create_default_context(capath=path)
    return ssl.create_default_context(cafile=path)


def _retry(limits: Limits) -> Retry:
    return Retry(
        total=limits.retries + 1,
        connect=min(limits.retries, 3),
        read=min(limits.retries, 2),
        status=limits.retries,
        other=0,
        status_forcelist=_BUSY,
        allowed_methods={"GET"},
        backoff_factor=limits.backoff_seconds,
        backoff_max=30,
        raise_on_status=False,
        respect_retry_after_header=True,
        retry_after_max=limits.retry_after_seconds,
    )


def _decoded(response: requests.Response) -> Iterator[bytes]:
    try:
        yield from response.iter_content(_CHUNK)
    except (requests.RequestException, HTTPError) as error:
        raise BrokenBodyError(shown(str(error))) from None
