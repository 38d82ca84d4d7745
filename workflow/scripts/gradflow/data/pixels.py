"""One image file's pixels as 8-bit RGB, and what is to be said of them."""

from collections import Counter

import numpy as np
from PIL import ExifTags, Image

from gradflow.errors import GradflowError

Turn = Image.Transpose
# What turns an image of an EXIF orientation upright; 1 is.
UPRIGHT = {
    2: Turn.FLIP_LEFT_RIGHT,
    3: Turn.ROTATE_180,
    4: Turn.FLIP_TOP_BOTTOM,
    5: Turn.TRANSPOSE,
    6: Turn.ROTATE_270,
    7: Turn.TRANSVERSE,
    8: Turn.ROTATE_90,
}
# What is counted of files, and how it is said.
SAYINGS = {
    "turned": "Images turned upright by their EXIF orientation",
    "not turned": "Images with an EXIF orientation, left as stored, as torchvision does (turn: true turns them)",
    "transparent": "Images with transparent pixels, whose hidden colour is seen",
    "16-bit": "Images with 16 bits of grey, of which the upper 8 are kept",
    "dim": "Of these below a sixteenth of their range, with sixteen levels or fewer",
    "pages": "Files with more than one picture, of which the first is taken",
}
SWAPPED = (5, 6, 7, 8)  # orientations that exchange height and width
WITH_EXIF = {"exif", "xmp", "Raw profile type exif", "XML:com.adobe.xmp"}
BITS, PHOTOMETRIC, WHITE_IS_ZERO = 258, 262, 0  # tags of a TIFF, which PIL heeds for 8 bits alone


def as_rgb(image: Image.Image, turn: bool, seen: Counter) -> Image.Image:
    """Return an open image as RGB, by PIL's own conversion where pixels have 8 bits; count what is to be said of it.

    Grey of 16 bits keeps its upper eight, as PIL does with colours of 16 bits. Of more than one picture in a file the
    first is read.

    Raises ValueError for whole numbers of 32 bits and for floats, whose range the file does not say.
    """
    refused = unreadable(image)
    if refused:
        raise ValueError(refused)
    if image.mode.startswith("I"):
        seen["16-bit"] += 1
        rgb = _upper_bits(image, seen).convert("RGB")
    else:
        rgb = image.convert("RGB")
    if _hides_colour(image):
        seen["transparent"] += 1
    orientation = notice(image, turn, seen)
    return rgb.transpose(UPRIGHT[orientation]) if turn and orientation in UPRIGHT else rgb


def unreadable(image: Image.Image) -> str | None:
    """Say why an image's pixels have no meaning in 8 bits; None if they have."""
    if image.mode == "F" or (image.mode == "I" and image.format not in ("PPM", "PNG")):  # these two have 16 bits
        kind = "floats" if image.mode == "F" else "whole numbers of 32 bits, or with a sign"
        return f"its pixels are {kind}, whose range is not said: save them with 8 or 16 bits"
    return None


def notice(image: Image.Image, turn: bool, seen: Counter) -> int:
    """Count what a file's header says of it, and return its EXIF orientation."""
    if getattr(image, "is_animated", False):
        seen["pages"] += 1
    orientation = orientation_of(image)
    if orientation in UPRIGHT:
        seen["turned" if turn else "not turned"] += 1
    return orientation


def orientation_of(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 ... 8; 1 where there is none, and of a TIFF, which PIL turns by itself."""
    if image.format == "TIFF" or WITH_EXIF.isdisjoint(image.info):
        return 1
    try:
        found = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # it is whatever some camera wrote, and says nothing of the pixels
        return 1
    return found if found in UPRIGHT else 1


def sayings(seen: Counter) -> list[str]:
    """Return the sentences for what was counted.

    Raises GradflowError if all that have 16 bits of grey use but the lowest of them: 8 or 12 bits were meant, it seems.
    """
    if seen["dim"] and seen["dim"] == seen["16-bit"]:
        raise GradflowError(
            f"all {seen['dim']:,} images with 16 bits of grey stay below a sixteenth of their range, so that hardly "
            "anything would be left of them in 8 bits: save them scaled to 0 ... 65,535, or with 8 bits."
        )
    return [f"{words}: {seen[kind]:,}." for kind, words in SAYINGS.items() if seen[kind]]


def _hides_colour(image: Image.Image) -> bool:
    if image.mode in ("RGBA", "LA", "PA"):
        return image.getchannel("A").getextrema()[0] < 255
    return "transparency" in image.info


def _upper_bits(image: Image.Image, seen: Counter) -> Image.Image:
    levels = np.asarray(image).astype(np.int64)
    tags = getattr(image, "tag_v2", {})
    bits = tags[BITS][0] if BITS in tags else 16
    if levels.max() < 2 ** (bits - 4):
        seen["dim"] += 1
    if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:
        levels = 2**bits - 1 - levels
    return Image.fromarray((levels >> (bits - 8)).astype(np.uint8))
