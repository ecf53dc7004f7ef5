"""A picture host on 127.0.0.1: https, with a certificate of its own, and every bad habit."""

from __future__ import annotations

import asyncio
import gzip
import io
import ipaddress
import socket
import ssl
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from PIL import Image

from pailitao_spider.sandbox.catalogue.drawing import jpeg
from pailitao_spider.sandbox.catalogue.market import Catalogue

HUGE_BYTES = 400_000


def picture(colour: str = "red", form: str = "JPEG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(file, form)
    return file.getvalue()


def bomb(side: int) -> bytes:
    """A PNG of a few hundred bytes that claims side x side pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        crc = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(9999)))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for shop.test, localhost and 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop.test")])
    hosts = [x509.DNSName("shop.test"), x509.DNSName("other.test"), x509.DNSName("localhost")]
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([*hosts, address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, pem, plain))
    return certificate, private


@dataclass
class Seen:
    """What came in: path and header lines of each request, and how many were there at once."""

    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    now: int = 0
    most: int = 0

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.requests]


class PictureServer:
    """Listens in a thread of its own until it is closed."""

    def __init__(self, folder: Path) -> None:
        self.certificate, key = write_certificate(folder)
        self.seen = Seen()
        self._catalogue = Catalogue()
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(self.certificate, key)
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._runner = asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result(10)

    def trust(self) -> ssl.SSLContext:
        """A context that trusts the server's certificate alone."""
        return ssl.create_default_context(cafile=str(self.certificate))

    def url(self, path: str, host: str = "shop.test") -> str:
        return f"https://{host}:{self.port}{path}"

    def forget(self) -> None:
        self.seen = Seen()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _serve(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._counted)
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self._tls).start()
        self.port = runner.addresses[0][1]
        return runner

    async def _counted(self, request: web.Request) -> web.StreamResponse:
        seen = self.seen
        seen.requests.append((request.path, dict(request.headers)))
        seen.at.append(self._loop.time())
        seen.now += 1
        seen.most = max(seen.most, seen.now)
        try:
            return await self._answer(request)
        except ConnectionError:  # the other side has hung up
            return web.Response()
        finally:
            seen.now -= 1

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["path"].partition("/")[0]
        if name.isdecimal():
            return web.Response(status=int(name), body=picture())
        if handler := getattr(self, f"_{name}", None):
            answer: web.StreamResponse = await handler(request)
            return answer
        if shot := self._catalogue.shot(request.match_info["path"].rpartition("/")[2]):
            return web.Response(body=jpeg(*shot, 160), content_type="image/jpeg")
        raise web.HTTPNotFound

    async def _good(self, request: web.Request) -> web.Response:
        return web.Response(body=picture(), headers={"Set-Cookie": "a=b; Path=/"})

    async def _lingering(self, request: web.Request) -> web.Response:
        await asyncio.sleep(0.03)
        return await self._good(request)

    async def _mislabelled(self, request: web.Request) -> web.Response:
        return web.Response(body=picture(form="PNG"), content_type="text/html")

    async def _html(self, request: web.Request) -> web.Response:
        return web.Response(body=b"<html>no picture</html>" * 9, content_type="image/jpeg")

    async def _empty(self, request: web.Request) -> web.Response:
        return web.Response(body=b"", content_type="image/jpeg")

    async def _gzip(self, request: web.Request) -> web.Response:
        headers = {"Content-Encoding": "gzip"}
        return web.Response(body=gzip.compress(bytes(10_000_000)), headers=headers)

    async def _bomb(self, request: web.Request) -> web.Response:
        return web.Response(body=bomb(30_000))

    async def _busy(self, request: web.Request) -> web.Response:
        file = io.BytesIO()
        Image.effect_noise((90, 90), 90).save(file, "JPEG")
        return web.Response(body=file.getvalue())

    async def _torn(self, request: web.Request) -> web.Response:
        return web.Response(body=picture()[:200])

    async def _huge(self, request: web.Request) -> web.Response:
        return web.Response(body=picture() + bytes(HUGE_BYTES))

    async def _endless(self, request: web.Request) -> web.StreamResponse:
        """No length in the head, and no end."""
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:
            await answer.write(bytes(20_000))
            await asyncio.sleep(0.001)

    async def _slow(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:
            await answer.write(b"\xff")
            await asyncio.sleep(0.05)

    async def _silent(self, request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    async def _short(self, request: web.Request) -> web.StreamResponse:
        """Says 9999 bytes and gives fewer."""
        answer = web.StreamResponse(headers={"Content-Length": "9999"})
        await answer.prepare(request)
        await answer.write(picture())
        assert request.transport is not None
        request.transport.abort()
        return answer

    async def _to(self, request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": request.query["url"]})


@contextmanager
def running(folder: Path) -> Iterator[PictureServer]:
    server = PictureServer(folder)
    try:
        yield server
    finally:
        server.close()


class Names(AbstractResolver):
    """Look-ups by a book: each name with its addresses in turn, a tuple for each look-up."""

    def __init__(self, **book: list[tuple[str, ...]]) -> None:
        self._book = {name.replace("_", "."): list(turns) for name, turns in book.items()}
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        turns = self._book.get(host)
        if turns is None:
            raise OSError(f"no such name: {host}")
        addresses = turns.pop(0) if len(turns) > 1 else turns[0]
        return [
            ResolveResult(hostname=host, host=each, port=port, proto=0, flags=0,
                          family=socket.AF_INET6 if ":" in each else socket.AF_INET)
            for each in addresses
        ]  # fmt: skip

    async def close(self) -> None:
        pass
