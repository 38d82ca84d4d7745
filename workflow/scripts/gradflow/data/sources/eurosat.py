"""EuroSAT, satellite images of ten kinds of land use, from its original archive of RGB images."""

from gradflow.data.content import Content, by_class, undivided
from gradflow.data.members import Member
from gradflow.data.sources import Source


def read(files: list[Member], settings: dict) -> Content:
    """Return EuroSAT (Helber et al. 2019): 27,000 images of 64 pixels a side, split 70/15/15 within each class."""
    return undivided(by_class(files))


SOURCE = Source(
    read,
    downloads={
        "eurosat": {
            "urls": [
                "https://huggingface.co/datasets/torchgeo/eurosat/resolve/"
                "c877bcd43f099cd0196738f714544e355477f3fd/EuroSAT.zip",
                "https://madm.dfki.de/files/sentinel/EuroSAT.zip",
            ],
            "sha256": "8ebea626349354c5328b142b96d0430e647051f26efc2dc974c843f25ecf70bd",
            "bytes": 94_280_567,
        },
    },
    training_images=lambda settings: 18_900,
    stored_side=64,
)
