"""The table of what can be fetched: where it is published, how large it is, what its checksum is, what it holds."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from llava_vsd.errors import UsageError


@dataclass(frozen=True)
class Published:
    """A file as it is published; None where no publisher or mirror states a size or checksum.

    Attributes:
        path: name under the source's addresses; a plain file keeps it under the target folder.
        bytes: size.
    """

    path: str
    bytes: int | None = None
    sha256: str | None = None
    md5: str | None = None

    @property
    def known(self) -> bool:
        """Whether the content can be checked without having seen it before."""
        return bool(self.sha256 or self.md5)


@dataclass(frozen=True)
class Source:
    """A name that `vsd fetch` knows.

    Attributes:
        addresses: tried in this order; `{path}` stands for a file's path.
        members: which members of the files, then archives, are unpacked, by name; None: files are used as they are.
        ids: the image ids of the VSD files that the archives hold; None: no images.
    """

    name: str
    holds: str
    licence: str
    addresses: tuple[str, ...]
    files: tuple[Published, ...]
    members: re.Pattern[str] | None = None
    ids: re.Pattern[str] | None = None

    def at(self, mirror: str) -> Source:
        """The same files at another address: the folder that holds them, or an address with `{path}` in it."""
        address = mirror if "{path}" in mirror else mirror.rstrip("/") + "/{path}"
        return replace(self, addresses=(address,))


IMAGES = re.compile(r"(?:.*[/\\])?(?!\.)[^/\\]+\.(?:jpe?g|png)", re.IGNORECASE | re.DOTALL)
"""Members that are images; macOS leaves hidden ones beside them."""

# The commit that the sizes and checksums below belong to, then the branch, should the commit go away.
VSD = (
    "https://raw.githubusercontent.com/zhaoyucs/VSD/a1ff08a7c50c574592871d75a2a15b28a4d2ec5d/dataset/{path}",
    "https://raw.githubusercontent.com/zhaoyucs/VSD/master/dataset/{path}",
)
VSD_LICENCE = "none stated"

SOURCES = {
    source.name: source
    for source in (
        Source(
            "vsdv1",
            "VSD annotations of 2022",
            VSD_LICENCE,
            VSD,
            (
                Published(
                    "VSDv1/val.json",
                    1_154_931,
                    "4240488c6772a57cb93d86a02df7f233d634c768069530d04bde8a2bf77977d5",
                ),
                Published(
                    "VSDv1/test.json",
                    1_440_798,
                    "ee7043fd2471e5854e91ce6f9e75b449cc5885484870c448293ef9f2c434377f",
                ),
                Published("VSDv1/train.json"),
            ),
        ),
        Source(
            "vsdv2",
            "VSD annotations of 2023, other descriptions of the same images",
            VSD_LICENCE,
            VSD,
            (
                Published(
                    "VSDv2/newvsd_val.json",
                    630_993,
                    "bba2fbf4e28b6619d86efcecbba49b949d92e3058f39746ee22ee4941d3c69e3",
                ),
                Published(
                    "VSDv2/newvsd_test.json",
                    1_250_538,
                    "42e691a2d19f983ad8c54e499ccba96c9bd6cc258b414ce8b30a115d38cfd576",
                ),
                Published("VSDv2/newvsd_train.json"),
            ),
        ),
        Source(
            "vg",
            "Visual Genome images",
            "CC BY 4.0",
            # Stanford's server refuses some countries at times; the mirror holds files of the same SHA-256.
            (
                "https://cs.stanford.edu/people/rak248/VG_100K_2/{path}",
                "https://huggingface.co/datasets/BAAI/DataOptim/resolve/main/images/visual_genome/{path}",
            ),
            (
                Published(
                    "images.zip",
                    9_731_705_982,
                    "51c682d2721f880150720bb416e0346a4c787e4c55d7f80dfd1bd3f73ba81646",
                ),
                Published(
                    "images2.zip",
                    5_471_658_058,
                    "99da1a0ddf87011319ff3b05cf9176ffee2731cc3c52951162d9ef0d68e3cfb5",
                ),
            ),
            members=IMAGES,
            ids=re.compile(r"\d+"),
        ),
        Source(
            "spatialsense",
            "SpatialSense images (Flickr, NYU Depth v2)",
            "CC BY 2.0 (images: their owners')",
            # The first form answers to ranges, so that a download resumes; the second does not.
            (
                "https://zenodo.org/records/8104370/files/{path}",
                "https://zenodo.org/api/records/8104370/files/{path}/content",
            ),
            (Published("images.tar.gz", md5="a8a83146f16c79fe2b836b840146e8a0"),),
            members=IMAGES,
            ids=re.compile(r"(?!\d+$).*"),
        ),
    )
}


def source(name: str) -> Source:
    """The source of a name.

    Raises:
        UsageError: there is none; lists the names.
    """
    if name not in SOURCES:
        raise UsageError(f"nothing is known under the name {name!r}; known are {', '.join(SOURCES)}")
    return SOURCES[name]
