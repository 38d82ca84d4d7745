"""Unpacking: what comes from elsewhere writes plain files inside its folder, or nothing."""

import io
import os
import stat
import tarfile
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

import archives as made
from gradflow import GradflowError
from gradflow.data.archives import ALWAYS_FINE, is_archive, unpack

FILES = {"zoo/cat/1.txt": b"cat", "zoo/dog/2.txt": b"dog" * 1000}


def files_in(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("kind", ["zip", "", "gz", "bz2", "xz"])
def test_every_kind_of_archive_unpacks_by_its_content(tmp_path, kind):
    (tmp_path / "archive").write_bytes(made.zip_(FILES) if kind == "zip" else made.tar(FILES, kind))
    assert is_archive(tmp_path / "archive")
    unpack(tmp_path / "archive", tmp_path / "out")
    assert files_in(tmp_path / "out") == FILES


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


HOSTILE = {
    "up and out": (made.tar({"../evil.txt": b"x"}), "would be written outside"),
    "up and out in the middle": (made.tar({"zoo/../../evil.txt": b"x"}), "would be written outside"),
    "absolute": (made.tar({"/tmp/evil.txt": b"x"}), "would be written outside"),
    "zip, up and out": (made.zip_({"fine.txt": b"", "../evil.txt": b"x"}), "would be written outside"),
    "zip, absolute": (made.zip_({"/tmp/evil.txt": b"x"}), "would be written outside"),
    "zip, backslashes": (made.zip_({"..\\evil.txt": b"x"}), "would be written outside"),
    "zip, a drive": (made.zip_({"C:\\evil.txt": b"x"}), "would be written outside"),
    "symbolic link": (tar_with(type=tarfile.SYMTYPE, linkname="/etc/passwd"), "'odd' is a link or a device"),
    "hard link": (tar_with(type=tarfile.LNKTYPE, linkname="/etc/passwd"), "'odd' is a link or a device"),
    "device": (tar_with(type=tarfile.CHRTYPE), "'odd' is a link or a device"),
    "zip, link": (zip_with_link(), "'link' is a link or a device"),
    "absurd size": (zip_bomb(), "claims to hold more than 1,073,741,824 bytes"),
}


@pytest.mark.parametrize(("content", "words"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_archive_is_refused_before_anything_is_written(tmp_path, content, words):
    archive = tmp_path / "inner" / "archive"
    archive.parent.mkdir()
    archive.write_bytes(content)
    with pytest.raises(GradflowError, match=words) as caught:
        unpack(archive, tmp_path / "inner" / "out")
    assert "\n" not in str(caught.value)
    assert files_in(tmp_path) == {"inner/archive": content} and not os.path.exists("/tmp/evil.txt")
    assert ALWAYS_FINE == 1_073_741_824


@pytest.mark.parametrize("kind", ["zip", "gz", "bz2", "xz"])
@given(cut=st.floats(0.05, 0.98), noise=st.binary(max_size=0) | st.binary(min_size=20, max_size=20))
def test_a_damaged_archive_is_one_sentence_or_unpacks_as_it_was(tmp_path_factory, kind, cut, noise):
    tmp_path = tmp_path_factory.mktemp("damaged")
    whole = made.zip_(FILES) if kind == "zip" else made.tar(FILES, kind)
    at = int(cut * len(whole))
    (tmp_path / "archive").write_bytes(whole[:at] + noise + (whole[at + len(noise) :] if noise else b""))
    try:
        unpack(tmp_path / "archive", tmp_path / "out")
    except GradflowError as error:
        assert "archive" in str(error) and "\n" not in str(error)
    else:
        assert files_in(tmp_path / "out").items() <= FILES.items()


def test_what_is_no_archive_is_named(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"not an archive")
    with pytest.raises(GradflowError, match=r"photo\.jpg is no zip or tar archive"):
        unpack(tmp_path / "photo.jpg", tmp_path / "out")
