"""Fetching: whatever a server does, the file at its place is whole and right, or absent, and the reason is said."""

import hashlib
import json
import multiprocessing
import os
import re
import time

import numpy as np
import pytest

from faulty_server import faulty_server
from gradflow import GradflowError
from gradflow.data import http
from gradflow.data.fetch import Download, fetch, write_receipt
from gradflow.data.http import Patience

BODY = np.random.default_rng(0).bytes(300_000)
FOLDER = f"zoo-{hashlib.sha256(BODY).hexdigest()[:8]}"
HASTY = Patience(timeout=0.5, retries=3, first_wait=0.01, longest_wait=0.05)


@pytest.fixture
def server():
    with faulty_server() as running:
        running.files["/data.zip"] = running.files["/mirror/data.zip"] = BODY
        yield running


def a_download(server, *paths, **changes):
    urls = tuple(server.url(path) for path in paths or ["/data.zip"])
    known = {"sha256": hashlib.sha256(BODY).hexdigest(), "bytes": len(BODY)}
    return Download("zoo", urls=urls, **known | changes)


def place(folder):
    """What lies in the cache for all to see: never half a file."""
    files = folder.glob(f"{FOLDER}/*")
    return {path.name: path.read_bytes() for path in files if path.suffix not in (".lock", ".part")}


def test_a_file_arrives_whole_and_is_not_asked_for_again(server, tmp_path):
    file = fetch(a_download(server), tmp_path)
    assert file == tmp_path / FOLDER / "data.zip" and place(tmp_path) == {"data.zip": BODY}
    assert fetch(a_download(server), tmp_path) == file and server.requests["/data.zip"] == 1


RECOVERED = {
    "break": (["break"], 2),
    "break, three times": (["break"] * 3, 4),
    "stall": (["stall"], 2),
    "500": (["500", "500"], 3),
    "503": (["503"], 2),
    "break, then a server without ranges": (["break", "no-range"], 2),
    "520": (["520"], 2),
    "a part of the part": (["break", "capped"], 3),
    "a part that was not asked for": (["break", "other part"], 3),
    "an end without a word": (["silent"], 2),
    "redirect": (["redirect"], 1),
}


@pytest.mark.parametrize(("faults", "requests"), RECOVERED.values(), ids=RECOVERED)
def test_a_passing_fault_is_overcome(server, tmp_path, faults, requests):
    server.faults["/data.zip"] = list(faults)
    fetch(a_download(server), tmp_path, patience=HASTY)
    assert place(tmp_path) == {"data.zip": BODY} and server.requests["/data.zip"] == requests


def test_a_broken_download_goes_on_where_it_broke(server, tmp_path):
    server.faults["/data.zip"] = ["break"]
    fetch(a_download(server), tmp_path, patience=HASTY)
    assert server.ranges == [None, f"bytes={len(BODY) // 2}-"]


FATAL = {
    "break": (["break"] * 30, {}, r"broke the connection \(4 attempts\)"),
    "stall": (["stall"] * 30, {}, r"did not answer in time \(4 attempts\)"),
    "404": (["404"] * 30, {}, "answered 404 Not Found"),
    "500": (["500"] * 30, {}, r"answered 500 \(4 attempts\)"),
    "503": (["503"] * 30, {}, r"answered 503 \(4 attempts\)"),
    "wrong": (["wrong"] * 30, {}, "sent other bytes"),
    "wrong, of unknown size": (["wrong"] * 30, {"bytes": None}, "sent other bytes"),
    "short": (["short"] * 30, {}, "offers 299,990 bytes, where 300,000 are expected"),
    "short, of unknown size": (["short"] * 30, {"bytes": None}, "sent other bytes"),
    "long": (["long"] * 30, {}, "offers 300,010 bytes, where 300,000 are expected"),
    "416": (["416"] * 30, {}, "answered 416"),
    "other part": (["other part"] * 30, {}, r"not asked for \(4 attempts\)"),
    "loop": (["loop"] * 30, {}, "TooManyRedirects"),
}


@pytest.mark.parametrize(("faults", "changes", "words"), FATAL.values(), ids=FATAL)
def test_a_lasting_fault_is_one_sentence_and_the_next_mirror_is_tried(server, tmp_path, faults, changes, words):
    server.faults["/data.zip"] = list(faults)
    with pytest.raises(GradflowError, match=words) as caught:
        fetch(a_download(server, **changes), tmp_path, patience=HASTY)
    said = str(caught.value)
    assert "\n" not in said and said.startswith("zoo could not be fetched") and "downloads.zoo.urls" in said
    assert place(tmp_path) == {}
    server.faults["/data.zip"] = list(faults)
    fetch(a_download(server, "/data.zip", "/mirror/data.zip", **changes), tmp_path, patience=HASTY)
    assert place(tmp_path) == {"data.zip": BODY}


def test_a_length_that_is_too_long_and_unknown_is_overcome(server, tmp_path):
    server.faults["/data.zip"] = ["long"]  # all bytes are there, and more are promised: asking for the rest says so
    fetch(a_download(server, bytes=None), tmp_path, patience=HASTY)
    assert place(tmp_path) == {"data.zip": BODY}


def test_the_waits_double_and_a_server_may_ask_for_more(server, tmp_path, monkeypatch):
    waits = []
    monkeypatch.setattr(http.time, "sleep", waits.append)
    server.faults["/data.zip"] = ["503", "503", "busy"]
    fetch(a_download(server), tmp_path, patience=Patience(timeout=1, retries=3, first_wait=2, longest_wait=60))
    assert waits == [2, 4, 17]  # "busy" says Retry-After: 17
    server.faults["/data.zip"] = ["503"] * 30
    with pytest.raises(GradflowError, match="4 attempts"):
        fetch(a_download(server), tmp_path / "again", patience=Patience(timeout=1, longest_wait=5))
    assert waits[3:] == [2, 4, 5]


def test_headway_is_counted_once(tmp_path):
    """A server that gives up a megabyte and takes it back would be asked for ever."""
    body = np.random.default_rng(1).bytes(3 << 20)
    with faulty_server() as server:
        server.files["/data.zip"] = body
        server.faults["/data.zip"] = ["break", "other part"] * 20
        with pytest.raises(GradflowError, match="attempts"):
            fetch(Download("zoo", hashlib.sha256(body).hexdigest(), (server.url("/data.zip"),)), tmp_path, None, HASTY)
        assert server.requests["/data.zip"] < 12


def test_a_cache_that_can_only_be_read_is_read(server, tmp_path):
    file = fetch(a_download(server), tmp_path)
    for left in file.parent.glob(".*"):
        left.unlink()
    os.chmod(file.parent, 0o555)
    assert fetch(a_download(server), tmp_path) == file and not list(file.parent.glob(".*"))
    os.chmod(file.parent, 0o755)


def test_a_whole_part_needs_no_network(server, tmp_path):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "data.zip.part").write_bytes(BODY)
    fetch(a_download(server), tmp_path)
    assert place(tmp_path) == {"data.zip": BODY} and not server.requests


@pytest.mark.parametrize("path", ["/?id=7", "/..", "/a%00b%2fc.zip", "/data.zip?download=1"])
def test_odd_addresses_make_sane_names(tmp_path, path):
    file = Download("zoo", "0" * 64, (f"http://127.0.0.1{path}",)).file(tmp_path)
    assert file.parent == tmp_path / "zoo-00000000" and re.fullmatch(r"[\w.-]+", file.name) and file.name.strip(".")


def test_a_server_that_is_not_there_is_named(tmp_path):
    download = Download("zoo", "0" * 64, ("http://127.0.0.1:9/data.zip",))
    with pytest.raises(GradflowError, match=r"127\.0\.0\.1:9/data\.zip refused the connection"):
        fetch(download, tmp_path, patience=HASTY)


def test_what_another_version_left_behind_is_thrown_away(server, tmp_path):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "data.zip.part").write_bytes(b"x" * 1000)
    fetch(a_download(server), tmp_path, patience=HASTY)
    assert place(tmp_path) == {"data.zip": BODY} and server.ranges == ["bytes=1000-", None]


def test_a_damaged_file_in_the_cache_is_replaced_only_by_a_good_one(server, tmp_path):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "data.zip").write_bytes(b"damaged")
    server.faults["/data.zip"] = ["404"]
    with pytest.raises(GradflowError, match="404"):
        fetch(a_download(server), tmp_path, patience=HASTY)
    assert place(tmp_path) == {"data.zip": b"damaged"}
    fetch(a_download(server), tmp_path, patience=HASTY)
    assert place(tmp_path) == {"data.zip": BODY}


def test_an_own_copy_is_used_without_a_request_and_must_have_the_hash(server, tmp_path):
    own = tmp_path / "own.zip"
    own.write_bytes(BODY)
    assert fetch(a_download(server, path=str(own)), tmp_path / "cache") == own
    own.write_bytes(BODY[:-1])
    with pytest.raises(GradflowError, match=r"own\.zip has the sha256 .* was expected: replace the file"):
        fetch(a_download(server, path=str(own)), tmp_path / "cache")
    own.unlink()
    with pytest.raises(GradflowError, match=r"downloads\.zoo\.path is .*which is no file"):
        fetch(a_download(server, path=str(own)), tmp_path / "cache")
    assert not server.requests and not (tmp_path / "cache").exists()


def test_a_receipt_says_what_lies_where(server, tmp_path):
    download = a_download(server)
    file = fetch(download, tmp_path)
    write_receipt(tmp_path / "receipt.json", download, tmp_path)
    said = json.loads((tmp_path / "receipt.json").read_text())
    assert said["file"] == str(file) and said["sha256"] == download.sha256 and said["urls"] == list(download.urls)


def _fetch_in_process(download, cache):
    fetch(download, cache)


def test_two_processes_that_share_a_cache_fetch_once(server, tmp_path):
    server.pace = 600_000
    arguments = (a_download(server), tmp_path)
    processes = [multiprocessing.Process(target=_fetch_in_process, args=arguments) for _ in range(2)]
    for process in processes:
        process.start()
        time.sleep(0.1)
    for process in processes:
        process.join(30)
        assert process.exitcode == 0
    assert place(tmp_path) == {"data.zip": BODY} and server.requests["/data.zip"] == 1
