"""Fetching from a real server on this machine: whole and proven, or nothing and a clear line."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from heart.errors import FileError, UsageError
from heart.plumbing.download import download

CONTENT = bytes(range(256)) * 5_000
PROOF = hashlib.sha256(CONTENT).hexdigest()


class Pages(BaseHTTPRequestHandler):
    """/whole, /short (ends early), /long (claims 40 GB); anything else is not there."""

    def do_GET(self):
        if self.path not in ("/whole", "/short", "/long"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(40 << 30 if self.path == "/long" else len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[: 1_000 if self.path == "/short" else None])
        self.close_connection = True

    def log_message(self, *given):
        pass


@pytest.fixture(scope="module")
def server():
    """Address of a server that ends with the tests."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as pages:
        threading.Thread(target=pages.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{pages.server_address[1]}"
        pages.shutdown()


def test_a_file_comes_whole_and_is_told_on_its_way(server, tmp_path):
    told = []
    download(f"{server}/whole", tmp_path / "net.ckpt", PROOF, 1 << 30, lambda *there: told.append(there))
    assert (tmp_path / "net.ckpt").read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))


@pytest.mark.parametrize(
    ("page", "proof", "words"),
    [
        ("whole", "0" * 64, "not the file that is known by this name"),
        ("short", PROOF, "ended after 1000 of 1280000 bytes"),
        ("long", PROOF, "larger than 1 GB"),
        ("absent", PROOF, "cannot be fetched .*Not Found"),
    ],
)
def test_what_is_not_the_file_is_not_kept(server, tmp_path, page, proof, words):
    with pytest.raises(FileError, match=words):
        download(f"{server}/{page}", tmp_path / "net.ckpt", proof, 1 << 30)
    assert not list(tmp_path.iterdir())


def test_a_server_that_is_not_there_is_told(tmp_path):
    with pytest.raises(FileError, match="cannot be fetched"):
        download("http://127.0.0.1:9/net.ckpt", tmp_path / "net.ckpt", None, 1 << 30)


def test_only_the_web_is_fetched_from(tmp_path):
    (tmp_path / "secret").write_text("x")
    with pytest.raises(UsageError, match="https://"):
        download((tmp_path / "secret").as_uri(), tmp_path / "net.ckpt", None, 1 << 30)
