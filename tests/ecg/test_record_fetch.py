"""Records from a real server on this machine: whole and proven, going on where they broke off, or a clear line."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner
from small_ecg import write_wfdb

from heart.cli import main
from heart.ecg.record import find_record, read_record
from heart.errors import FileError, UsageError
from heart.plumbing import fetching
from heart.plumbing.fetching import fetch
from heart.stage.beat_files import read_track
from heart.stage.record_fetch import SUMS, fetch_records

ROOT = "/mitdb/1.0.0/"


class Mirror(BaseHTTPRequestHandler):
    """The published files, with Range; `ill` makes one of them go wrong once or for ever."""

    files: dict[str, bytes]
    ill: dict[str, str]
    asked: list[tuple[str, str]]

    def do_GET(self):
        name = self.path.removeprefix(ROOT)
        self.asked.append((name, self.headers.get("Range", "")))
        content, ill = self.files.get(name), self.ill.get(name, "")
        if content is None:
            self.send_error(404)
            return
        if ill == "elsewhere":
            self.send_response(302)
            self.send_header("Location", f"http://localhost:{self.server.server_address[1]}{self.path}")
            self.end_headers()
            return
        begin = int((re.findall(r"bytes=(\d+)-", self.headers.get("Range", "")) or ["0"])[0])
        begin = 0 if ill == "no ranges" else begin
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(40 << 30 if ill == "huge" else len(content) - begin))
        self.end_headers()
        for at in range(begin, len(content) if ill == "drips" else 0, 10):
            self.wfile.write(content[at : at + 10])
            self.wfile.flush()
            time.sleep(0.02)
        self.wfile.write(self.body(name, content, ill)[begin:])
        if ill == "stalls":
            self.wfile.flush()
            time.sleep(3)
        self.close_connection = True

    def body(self, name, content, ill):
        if ill in ("breaks off", "stalls"):
            del self.ill[name]  # it is well the next time
            return content[:5_000]
        return bytes(reversed(content)) if ill == "another" else content

    def log_message(self, *given):
        pass


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What PhysioNet has of a database of two records."""
    folder = tmp_path_factory.mktemp("published")
    for name in ("100", "101"):
        write_wfdb(folder, name)
    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    lines = [f"{hashlib.sha256(content).hexdigest()}  {name}" for name, content in files.items()]
    lines += ["0" * 64 + "  ../../etc/passwd.hea", "0" * 64 + "  old/102.hea", "no sum  103.hea"]
    return {**files, SUMS: "\n".join(lines).encode()}


@pytest.fixture
def mirror(published, tmp_path, monkeypatch):
    """(handler, address) of a server that ends with the test; fetched records go to tmp_path."""
    monkeypatch.setenv("HEART_RECORDS", str(tmp_path))
    handler = type("Ours", (Mirror,), {"files": published, "ill": {}, "asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("HEART_PHYSIONET", f"http://127.0.0.1:{server.server_address[1]}")
        yield handler, f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "mitdb").iterdir())


def test_a_record_comes_whole_is_found_by_its_name_and_not_fetched_twice(mirror, tmp_path):
    done = CliRunner().invoke(main, ["data", "fetch", "mitdb/100"])
    assert done.exit_code == 0, done.output
    assert names(tmp_path) == ["100.atr", "100.dat", "100.hea", SUMS]
    assert find_record("mitdb/100") == tmp_path / "mitdb" / "100.hea"
    assert len(read_record(find_record("mitdb/100")).beats_s) == 28
    assert read_track(Path("mitdb/100")).bpm == pytest.approx(74.8, abs=1)
    mirror[0].asked.clear()
    fetch_records(["mitdb/100"])
    assert mirror[0].asked == [(SUMS, "")]


def test_a_whole_database_is_what_its_sums_name_and_leads_nowhere_else(mirror, tmp_path):
    assert [path.name for path in fetch_records(["mitdb"])] == ["100.hea", "101.hea"]
    assert len(names(tmp_path)) == 7
    assert not [name for name, _ in mirror[0].asked if "passwd" in name or "/" in name]


def test_a_server_that_drips_is_given_up(mirror, tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "GRACE_S", 0.2)
    mirror[0].ill["100.dat"] = "drips"
    began_s = time.monotonic()
    with pytest.raises(FileError, match="the server sends almost nothing"):
        fetch_records(["mitdb/100"])
    assert time.monotonic() - began_s < 5
    assert (tmp_path / "mitdb" / "100.dat.part").exists()


@pytest.mark.parametrize("ill", ["breaks off", "stalls"])
def test_broken_off_it_goes_on_where_it_was(ill, mirror, tmp_path, published):
    mirror[0].ill["100.dat"] = ill
    with pytest.raises(FileError, match=r"ended after 5000 of|timed out|IncompleteRead"):
        fetch_records(["mitdb/100"], timeout_s=0.7)
    assert (tmp_path / "mitdb" / "100.dat.part").stat().st_size == 5_000
    fetch_records(["mitdb/100"])
    assert ("100.dat", "bytes=5000-") in mirror[0].asked
    assert (tmp_path / "mitdb" / "100.dat").read_bytes() == published["100.dat"]
    assert names(tmp_path) == ["100.atr", "100.dat", "100.hea", SUMS]


def test_a_server_without_ranges_sends_all_again_and_a_false_part_is_found_out(mirror, tmp_path, published):
    (tmp_path / "mitdb").mkdir()
    part = tmp_path / "mitdb" / "100.dat.part"
    part.write_bytes(published["100.dat"][:777])
    mirror[0].ill["100.dat"] = "no ranges"
    fetch_records(["mitdb/100"])
    part = tmp_path / "mitdb" / "101.dat.part"
    part.write_bytes(b"false")
    with pytest.raises(FileError, match="damaged on its way"):
        fetch_records(["mitdb/101"])
    assert not part.exists()
    fetch_records(["mitdb/101"])
    assert (tmp_path / "mitdb" / "101.dat").read_bytes() == published["101.dat"]


@pytest.mark.parametrize(
    ("ill", "words"),
    [
        ("another", "damaged on its way, or another file"),
        ("elsewhere", "leads to another server, localhost"),
        ("huge", "larger than 256 MB"),
    ],
)
def test_what_is_not_the_file_is_not_kept_and_the_way_out_is_told(ill, words, mirror, tmp_path):
    mirror[0].ill["100.hea"] = ill
    with pytest.raises(FileError, match=words) as error:
        fetch_records(["mitdb/100"])
    assert f"copy 100.hea, 100.dat, 100.atr into {tmp_path / 'mitdb'} by hand" in str(error.value)
    assert "\n" not in str(error.value)
    assert names(tmp_path) == [SUMS]


def test_without_a_server_one_line_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("HEART_RECORDS", str(tmp_path))
    done = CliRunner().invoke(main, ["data", "fetch", "mitdb/100", "--base", "http://127.0.0.1:9"])
    assert done.exit_code == 1
    assert "cannot be fetched" in done.stderr
    assert "by hand" in done.stderr
    assert done.stderr.count("\n") == 1


def test_names_that_nobody_has_are_told(mirror, tmp_path):
    with pytest.raises(UsageError, match="there are mitdb"):
        fetch_records(["mitbd/100"])
    with pytest.raises(FileError, match="no such record; it has 100, 101"):
        fetch_records(["mitdb/999"])
    with pytest.raises(UsageError, match="https://"):
        fetch((tmp_path / "secret").as_uri(), tmp_path / "secret.copy", None, 1 << 20)
    with pytest.raises(FileError, match="Not Found"):
        fetch(f"{mirror[1]}/absent", tmp_path / "absent", None, 1 << 20)
