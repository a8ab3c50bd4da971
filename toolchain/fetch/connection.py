"""HTTP as the user's machine wants it: proxies, certificates, and what each failure means."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from errors import LabError, MissingEnvironment, UsageError

if TYPE_CHECKING:
    from urllib3 import PoolManager
    from urllib3.response import BaseHTTPResponse

CA_SETTINGS = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables that name a bundle of certificates, the first one set wins."""

PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that another attempt may not meet."""

REDIRECTS = 5


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to wait for a server, and how often to try again.

    Attributes:
        connect: Seconds until a connection must stand.
        silence: Seconds without a byte until it is given up.
        window: Seconds over which the speed is judged.
        least_speed: Bytes per second; a connection that is slower over a window is given up.
        attempts: Attempts in a row that bring nothing new.
        pause: Seconds before the second attempt; doubled for each further one.
        longest_pause: Seconds that a pause never exceeds, whatever the server asks for.
    """

    connect: float = 15.0
    silence: float = 30.0
    window: float = 30.0
    least_speed: float = 1024.0
    attempts: int = 5
    pause: float = 1.0
    longest_pause: float = 30.0

    def before(self, attempt: int, asked: float | None = None) -> float:
        """Return the seconds to wait before attempt 1, 2, ... after the first.

        Args:
            attempt: Its number.
            asked: Seconds that the server asks for.
        """
        seconds = asked if asked is not None else self.pause * 2 ** (attempt - 1)
        return min(seconds, self.longest_pause)

    def told(self, why: object, attempt: int, pause: float) -> str:
        """Return the line that tells of a failure and of attempt 1, 2, ... after the first."""
        return f"{why}; again in {pause:.0f} s, attempt {attempt + 1} of {self.attempts}"


class Passing(Exception):
    """A failure that another attempt may not meet.

    Attributes:
        after: Seconds that the server asks to wait.
    """

    def __init__(self, what: str, after: float | None = None) -> None:
        super().__init__(what)
        self.after = after


class Gone(MissingEnvironment):
    """The server says that there is no such file, or none any more."""


class Connection:
    """Opens URLs through the user's proxy, trusting the user's certificates."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._pools: dict[str | None, PoolManager] = {}

    def open(self, url: str, headers: dict[str, str]) -> BaseHTTPResponse:
        """Return the answer to a GET of `url`, its body not yet read.

        Raises:
            Passing: It may work another time.
            LabError: It will not: NPU026, the server has no such file or refuses it; NPU033,
                its certificate is not trusted; NPU022, a setting is wrong.
        """
        from urllib3.exceptions import HTTPError, MaxRetryError, SSLError

        try:
            answer = self._pool(url).request("GET", url, headers=headers, preload_content=False)
        except MaxRetryError as error:
            if isinstance(error.reason, SSLError) and "CERTIFICATE" in str(error.reason).upper():
                raise _untrusted(url, error.reason) from error
            raise Passing(describe(error.reason or error)) from error
        except HTTPError as error:
            raise Passing(describe(error)) from error
        if answer.status in (200, 206, 416):
            return answer
        answer.release_conn()
        answer.close()
        if answer.status in PASSING:
            raise Passing(f"HTTP status {answer.status}", _seconds(answer))
        raise _refused(url, answer.status)

    def _pool(self, url: str) -> PoolManager:
        parts = urlsplit(url)
        proxy = None
        if not proxy_bypass(parts.hostname or ""):
            proxies = getproxies()
            proxy = proxies.get(parts.scheme) or proxies.get("all")
        if proxy not in self._pools:
            self._pools[proxy] = _make_pool(proxy, self._patience)
        return self._pools[proxy]


def _make_pool(proxy: str | None, patience: Patience) -> PoolManager:
    import urllib3

    retries = urllib3.Retry(total=None, connect=0, read=0, other=0, status=0, redirect=REDIRECTS)
    timeout = urllib3.Timeout(connect=patience.connect, read=patience.silence)
    agent = {"User-Agent": "npulab", "Accept-Encoding": "identity"}
    if proxy is None:
        return urllib3.PoolManager(
            headers=agent, retries=retries, timeout=timeout, ssl_context=_trust()
        )
    address = proxy if "://" in proxy else f"http://{proxy}"
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https"):
        raise UsageError(
            f"the proxy {parts.scheme}://{parts.hostname} is not one of http or https",
            cure="set https_proxy to an http proxy, or no_proxy for hosts that need none",
            code="NPU033",
        )
    secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else ""
    return urllib3.ProxyManager(
        address,
        headers=agent,
        proxy_headers=urllib3.make_headers(proxy_basic_auth=secret) if secret else None,
        retries=retries,
        timeout=timeout,
        ssl_context=_trust(),
    )


def _trust() -> ssl.SSLContext:
    """Return a context that trusts the system's certificates, or the bundle that is set."""
    bundle = next((os.environ[name] for name in CA_SETTINGS if os.environ.get(name)), None)
    try:
        return ssl.create_default_context(cafile=bundle)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            f"the certificates in {bundle} cannot be read",
            cure=f"set {' or '.join(CA_SETTINGS[:2])} to a bundle in PEM format, or unset it",
            code="NPU033",
        ) from error


def describe(error: BaseException) -> str:
    """Return what went wrong in a few words, without the library's wrapping."""
    from urllib3.exceptions import (
        ConnectTimeoutError,
        NameResolutionError,
        NewConnectionError,
        ProxyError,
        ReadTimeoutError,
    )

    if isinstance(error, ProxyError):
        return f"the proxy does not answer: {describe(error.original_error)}"
    if isinstance(error, NameResolutionError):
        return "its name cannot be resolved"
    if isinstance(error, ConnectTimeoutError) and not isinstance(error, NewConnectionError):
        return "it does not accept the connection in time"
    if isinstance(error, ReadTimeoutError):
        return "it went silent"
    cause = error.__cause__ or error.__context__
    return str(getattr(cause, "strerror", None) or cause or error)


def _seconds(answer: BaseHTTPResponse) -> float | None:
    asked = answer.headers.get("Retry-After", "")
    return float(asked) if asked.isdigit() else None


def _refused(url: str, status: int) -> LabError:
    if status in (404, 410):
        return Gone(
            f"{url} is gone: HTTP status {status}",
            cure="upstream prunes old wheels: take it from a mirror (NPULAB_MIRROR), or move the "
            "pin with npulab lock --update",
            code="NPU026",
        )
    return MissingEnvironment(
        f"{url} is refused: HTTP status {status}",
        cure="ask the proxy's or server's keeper, or take the wheels from a mirror (NPULAB_MIRROR)",
        code="NPU026",
    )


def _untrusted(url: str, reason: BaseException) -> LabError:
    return MissingEnvironment(
        f"the certificate of {urlsplit(url).hostname} is not trusted here",
        cure="behind a proxy that opens TLS, set SSL_CERT_FILE to its certificates in PEM format",
        code="NPU033",
        details=(str(reason),),
    )
