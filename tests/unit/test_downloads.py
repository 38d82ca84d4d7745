"""Fetching: whatever a server does, the file at its place is whole and right, or absent, and the reason is said."""

import hashlib
import multiprocessing
import time

import numpy as np
import pytest

from faulty_server import faulty_server
from gradflow import GradflowError
from gradflow.data.downloads import Download, fetch, fetched, write_receipt
from gradflow.data.http import Patience

BODY = np.random.default_rng(0).bytes(300_000)
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
    files = (folder / "zoo").glob("*")
    return {path.name: path.read_bytes() for path in files if path.suffix not in (".lock", ".part")}


def test_a_file_arrives_whole_and_is_not_asked_for_again(server, tmp_path):
    file = fetch(a_download(server), tmp_path)
    assert file == tmp_path / "zoo" / "data.zip" and place(tmp_path) == {"data.zip": BODY}
    assert fetch(a_download(server), tmp_path) == file and server.requests["/data.zip"] == 1


RECOVERED = {
    "break": (["break"], 2),
    "break, three times": (["break"] * 3, 4),
    "stall": (["stall"], 2),
    "500": (["500", "500"], 3),
    "503": (["503"], 2),
    "break, then a server without ranges": (["break", "no-range"], 2),
    "a length that is too long, then the rest": (["break", "break", "503"], 4),
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


def test_a_server_that_is_not_there_is_named(tmp_path):
    download = Download("zoo", "0" * 64, ("http://127.0.0.1:9/data.zip",))
    with pytest.raises(GradflowError, match=r"127\.0\.0\.1:9/data\.zip refused the connection"):
        fetch(download, tmp_path, patience=HASTY)


def test_what_another_version_left_behind_is_thrown_away(server, tmp_path):
    (tmp_path / "zoo").mkdir()
    (tmp_path / "zoo" / "data.zip.part").write_bytes(b"x" * 1000)
    fetch(a_download(server), tmp_path, patience=HASTY)
    assert place(tmp_path) == {"data.zip": BODY} and server.ranges == ["bytes=1000-", None]


def test_a_damaged_file_in_the_cache_is_replaced_only_by_a_good_one(server, tmp_path):
    (tmp_path / "zoo").mkdir()
    (tmp_path / "zoo" / "data.zip").write_bytes(b"damaged")
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


def test_a_receipt_leads_to_the_file_even_if_it_has_gone(server, tmp_path):
    download = a_download(server)
    file = fetch(download, tmp_path)
    write_receipt(tmp_path / "receipt.json", download, tmp_path)
    file.unlink()
    assert fetched(tmp_path / "receipt.json") == (file, download) and file.read_bytes() == BODY


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
