"""Archives are read where they lie: every kind gives its files, a hostile one is refused, a damaged one named."""

import bz2
import io
import stat
import tarfile
import tracemalloc
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

import archives as made
from gradflow import GradflowError
from gradflow.data.archives import ALWAYS_FINE, is_archive, members
from gradflow.data.decode import DAMAGED

FILES = {"cat/1.txt": b"cat", "dog/2.txt": b"dog" * 1000, "dog/more/3.txt": b""}
IN_ONE = {f"zoo/of/mine/{name}": content for name, content in FILES.items()}


def contents(source, scratch):
    return {member.name: member.read() for member in members(source, scratch)}


@pytest.mark.parametrize("kind", ["zip", "", "gz", "bz2", "xz"])
@pytest.mark.parametrize("files", [FILES, IN_ONE], ids=["flat", "in one folder"])
def test_every_kind_of_archive_is_known_by_its_content(tmp_path, kind, files):
    junk = {"__MACOSX/zoo/._1.txt": b"x", "cat/.DS_Store": b"x"}
    (tmp_path / "archive").write_bytes(made.zip_(files | junk) if kind == "zip" else made.tar(files | junk, kind))
    assert is_archive(tmp_path / "archive")
    assert contents(tmp_path / "archive", tmp_path / "scratch") == FILES
    assert (tmp_path / "scratch").exists() == (kind in ("gz", "bz2", "xz"))


def test_a_folder_is_read_like_an_archive_of_it(tmp_path):
    for name, content in (IN_ONE | {".git/config": b"x"}).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert contents(tmp_path, tmp_path / "scratch") == FILES


def tar_with(**changes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("fine.txt"))
        info = tarfile.TarInfo("odd")
        for name, value in changes.items():
            setattr(info, name, value)
        archive.addfile(info)
    return stream.getvalue()


def zip_with_link() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    return stream.getvalue()


def zip_bomb() -> bytes:
    """A zip whose directory claims far more than there is."""
    whole = made.zip_({"big": b"0"})
    at = whole.index(b"PK\x01\x02")
    return whole[: at + 24] + (0xFFFFFFF0).to_bytes(4, "little") + whole[at + 28 :]


def tar_bomb() -> bytes:
    """A few kilobytes that decompress to more than a gigabyte of zeros."""
    compressor = bz2.BZ2Compressor()
    block = made.tar({"big": b""}, "")[:512] + bytes(1 << 20)
    return b"".join([compressor.compress(block), *(compressor.compress(bytes(1 << 24)) for _ in range(66))]) + (
        compressor.flush()
    )


def zip_encrypted() -> bytes:
    whole = bytearray(made.zip_({"a.jpg": b"x"}))
    whole[whole.index(b"PK\x01\x02") + 8] |= 1
    return bytes(whole)


HOSTILE = {
    "up and out": (made.tar({"../evil.txt": b"x"}), "lies outside the archive"),
    "up and out in the middle": (made.tar({"zoo/../../evil.txt": b"x"}), "lies outside the archive"),
    "absolute": (made.tar({"/tmp/evil.txt": b"x"}), "lies outside the archive"),
    "zip, up and out": (made.zip_({"fine.txt": b"", "../evil.txt": b"x"}), "lies outside the archive"),
    "zip, absolute": (made.zip_({"/tmp/evil.txt": b"x"}), "lies outside the archive"),
    "zip, backslashes": (made.zip_({"..\\evil.txt": b"x"}), "lies outside the archive"),
    "zip, a drive": (made.zip_({"C:\\evil.txt": b"x"}), "lies outside the archive"),
    "device": (tar_with(type=tarfile.CHRTYPE), "'odd' is a device"),
    "absurd size": (zip_bomb(), "holds more than 1,073,741,824 bytes, 100 times its own size"),
    "absurd size, compressed": (tar_bomb(), "holds more than 1,073,741,824 bytes, 100 times its own size"),
    "encrypted": (zip_encrypted(), "its member 'a.jpg' is encrypted"),
    "two of one name": (made.tar({"cat/1.jpg": b"x", "cat/./1.jpg": b"y"}), "it holds 'cat/./1.jpg' twice"),
}


@pytest.mark.parametrize(("content", "words"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_archive_is_refused_in_one_sentence(tmp_path, content, words):
    (tmp_path / "archive").write_bytes(content)
    with pytest.raises(GradflowError, match=words) as caught:
        members(tmp_path / "archive", tmp_path / "scratch")
    assert "\n" not in str(caught.value) and str(caught.value).startswith(f"{tmp_path / 'archive'} is refused")
    assert ALWAYS_FINE == 1_073_741_824


@pytest.mark.parametrize(
    "content",
    [
        tar_with(type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        tar_with(type=tarfile.LNKTYPE, linkname="/etc/passwd"),
        zip_with_link(),
    ],
    ids=["symbolic", "hard", "zip"],
)
def test_a_link_in_an_archive_is_a_file_that_cannot_be_read(tmp_path, content):
    (tmp_path / "archive").write_bytes(content)
    (link,) = (member for member in members(tmp_path / "archive", tmp_path / "scratch") if member.link)
    with pytest.raises(OSError, match="it is a link to /etc/passwd, which is not followed"):
        link.read()


@pytest.mark.parametrize("kind", ["zip", "gz", "bz2", "xz"])
@given(cut=st.floats(0.05, 0.98), noise=st.just(b"") | st.binary(min_size=20, max_size=20))
def test_a_damaged_archive_is_one_sentence_or_reads_as_it_was(tmp_path_factory, kind, cut, noise):
    tmp_path = tmp_path_factory.mktemp("damaged")
    whole = made.zip_(FILES) if kind == "zip" else made.tar(FILES, kind)
    at = int(cut * len(whole))
    (tmp_path / "archive").write_bytes(whole[:at] + noise + (whole[at + len(noise) :] if noise else b""))
    try:
        found = members(tmp_path / "archive", tmp_path / "scratch")
    except GradflowError as error:
        assert "archive" in str(error) and "\n" not in str(error)
        return
    for member in found:
        try:
            content = member.read()
        except DAMAGED:  # told of each image by name, where it is decoded
            continue
        assert content == FILES.get(member.name, content)


def test_a_tar_with_a_broken_header_is_not_taken_for_a_shorter_one(tmp_path):
    whole = bytearray(made.tar(FILES, ""))
    whole[1024 + 148 : 1024 + 156] = b"99999999"  # the checksum of the second member
    (tmp_path / "archive").write_bytes(whole)
    with pytest.raises(GradflowError, match="a header is broken"):
        members(tmp_path / "archive", tmp_path / "scratch")


def test_what_is_neither_folder_nor_archive_is_named(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"not an archive")
    for name in ("photo.jpg", "missing.zip"):
        with pytest.raises(GradflowError, match=rf"{name} is neither a folder nor a zip or tar archive"):
            members(tmp_path / name, tmp_path / "scratch")


def test_a_zip_that_lies_about_a_size_fills_no_memory(tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("big.jpg", bytes(50_000_000))
    whole = bytearray(stream.getvalue())
    at = whole.index(b"PK\x01\x02")
    whole[at + 24 : at + 28] = (100).to_bytes(4, "little")
    (tmp_path / "archive").write_bytes(whole)
    (member,) = members(tmp_path / "archive", tmp_path / "scratch")
    tracemalloc.start()
    with pytest.raises(zipfile.BadZipFile):
        member.read()
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_windows_separators_in_a_zip_are_folders(tmp_path):
    (tmp_path / "archive").write_bytes(made.zip_({"zoo\\cat\\1.jpg": b"x", "zoo\\dog\\2.jpg": b"y"}))
    assert contents(tmp_path / "archive", tmp_path / "scratch") == {"cat/1.jpg": b"x", "dog/2.jpg": b"y"}
