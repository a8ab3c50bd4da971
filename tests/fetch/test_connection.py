"""Proxies and certificates are those of the user's environment."""

from __future__ import annotations

import hashlib
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from errors import LabError
from toolchain.fetch.shelf import Shelf
from toolchain.pins.lockfile import Wheel

MakeShelf = Callable[..., Shelf]
BODY = b"through the proxy"


class _Proxy(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Proxy-Authorization")))  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)


@pytest.fixture
def proxy() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Proxy)
    server.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def wheel(url: str) -> Wheel:
    sha256 = hashlib.sha256(BODY).hexdigest()
    return Wheel(name="mlir-aie", version="1", python="any", tag="v1", url=url, sha256=sha256)


@pytest.fixture
def no_settings(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize("form", ["http://{}", "{}", "http://me:se%20cret@{}"])
def test_the_proxy_of_the_environment_is_used(
    form: str, proxy: ThreadingHTTPServer, no_settings: pytest.MonkeyPatch, make_shelf: MakeShelf
) -> None:
    address = f"127.0.0.1:{proxy.server_port}"
    no_settings.setenv("http_proxy", form.format(address))
    far = wheel("http://wheels.invalid/mlir_aie-1-py3-none-any.whl")
    assert make_shelf().fetch([far])[far].read_bytes() == BODY
    ((asked, authorization),) = proxy.asked  # type: ignore[attr-defined]
    assert asked == far.url
    assert (authorization is not None) == ("@" in form)


def test_a_proxy_that_nobody_answers_at_is_named(
    no_settings: pytest.MonkeyPatch, make_shelf: MakeShelf
) -> None:
    no_settings.setenv("http_proxy", "http://127.0.0.1:9")
    no_settings.setenv("https_proxy", "http://127.0.0.1:9")
    for scheme in ("http", "https"):
        far = wheel(f"{scheme}://wheels.invalid/mlir_aie-1-py3-none-any.whl")
        with pytest.raises(LabError) as caught:
            make_shelf().fetch([far])
        assert caught.value.code == "NPU027"
        assert "the proxy does not answer: Connection refused (3 attempts)" in caught.value.message


def test_no_proxy_is_respected(
    proxy: ThreadingHTTPServer, no_settings: pytest.MonkeyPatch, make_shelf: MakeShelf
) -> None:
    no_settings.setenv("http_proxy", "http://127.0.0.1:9")
    no_settings.setenv("no_proxy", "127.0.0.1,localhost")
    near = wheel(f"http://127.0.0.1:{proxy.server_port}/mlir_aie-1-py3-none-any.whl")
    assert make_shelf().fetch([near])[near].read_bytes() == BODY


def test_a_proxy_of_another_kind_is_refused(
    no_settings: pytest.MonkeyPatch, make_shelf: MakeShelf
) -> None:
    no_settings.setenv("http_proxy", "socks5://127.0.0.1:9")
    with pytest.raises(LabError, match="socks5") as caught:
        make_shelf().fetch([wheel("http://wheels.invalid/mlir_aie-1-py3-none-any.whl")])
    assert caught.value.code == "NPU033"


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "PIP_CERT"])
def test_a_bundle_that_is_none_is_named(
    name: str, no_settings: pytest.MonkeyPatch, make_shelf: MakeShelf, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("no certificate")
    for path in (bundle, tmp_path / "none.pem"):
        no_settings.setenv(name, str(path))
        with pytest.raises(LabError) as caught:
            make_shelf().fetch([wheel("https://127.0.0.1:9/mlir_aie-1-py3-none-any.whl")])
        assert caught.value.code == "NPU033"
        assert str(path) in caught.value.message


class TestCertificates:
    @pytest.fixture
    def tls(self, proxy: ThreadingHTTPServer, tmp_path: Path) -> Path:
        """Turn the server to TLS with a certificate that nobody knows; return it."""
        trustme = pytest.importorskip("trustme")
        authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        proxy.socket = context.wrap_socket(proxy.socket, server_side=True)
        path = tmp_path / "authority.pem"
        authority.cert_pem.write_to_path(str(path))
        return path

    @pytest.mark.parametrize("name", ["SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE"])
    def test_an_own_authority_is_trusted_when_it_is_set(
        self,
        name: str,
        tls: Path,
        proxy: ThreadingHTTPServer,
        no_settings: pytest.MonkeyPatch,
        make_shelf: MakeShelf,
    ) -> None:
        near = wheel(f"https://127.0.0.1:{proxy.server_port}/mlir_aie-1-py3-none-any.whl")
        with pytest.raises(LabError) as caught:
            make_shelf().fetch([near])
        assert caught.value.code == "NPU033"
        assert "SSL_CERT_FILE" in str(caught.value.cure)
        no_settings.setenv(name, str(tls))
        assert make_shelf().fetch([near])[near].read_bytes() == BODY
