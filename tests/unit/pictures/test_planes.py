"""Which pages of a TIFF are frames: plain ones, ImageJ's, OME's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from bridgetune.errors import RequestError
from bridgetune.pictures import open_frames
from tests.support import hostile

GRAY = np.arange(4 * 6 * 7, dtype=np.uint8).reshape(4, 6, 7)
"""(4, 6, 7): four frames, no two alike."""

COLOR = np.stack([GRAY, GRAY + 60, GRAY + 80], axis=-1)


def _read(path: Path) -> np.ndarray:
    frames = open_frames([path])
    return np.stack([frames.read(index).pixels for index in range(len(frames))])


WRITTEN = {
    "plain": {"photometric": "rgb"},
    "compressed, big-endian": {"photometric": "rgb", "compression": "deflate", "byteorder": ">"},
    "BigTIFF": {"photometric": "rgb", "bigtiff": True},
    "ImageJ": {"imagej": True, "metadata": {"axes": "ZYXS"}},
    "ImageJ, times": {"imagej": True, "metadata": {"axes": "TYXS"}},
    "OME": {"photometric": "rgb", "ome": True, "metadata": {"axes": "ZYXS"}},
    "OME, times": {"photometric": "rgb", "ome": True, "metadata": {"axes": "TYXS"}},
    "OME, in BigTIFF": {"photometric": "rgb", "ome": True, "bigtiff": True, "metadata": {"axes": "ZYXS"}},
}


@pytest.mark.parametrize("how", WRITTEN)
def test_each_page_is_a_frame_in_colour(tmp_path: Path, how: str):
    tifffile.imwrite(tmp_path / "a.tif", COLOR, **WRITTEN[how])
    np.testing.assert_array_equal(_read(tmp_path / "a.tif"), COLOR)


@pytest.mark.parametrize("how", [{"imagej": True}, {"ome": True}])
def test_each_page_is_a_frame_in_gray(tmp_path: Path, how: dict[str, bool]):
    tifffile.imwrite(tmp_path / "a.tif", GRAY, photometric="minisblack", metadata={"axes": "ZYX"}, **how)
    np.testing.assert_array_equal(_read(tmp_path / "a.tif")[..., 0], GRAY)
    frames = open_frames([tmp_path / "a.tif"])
    assert frames.names == tuple(f"a.tif, page {number}" for number in (1, 2, 3, 4))
    assert frames.read(2).gray
    assert {frames.size(index) for index in range(4)} == {(6, 7)}


def _ome(planes: str, pages: int = 4, pixels: str = 'SizeZ="4" SizeC="1" SizeT="1"', before: str = "") -> bytes:
    described = (
        f'<?xml version="1.0"?>{before}<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        '<Image ID="Image:0">'
        f'<Pixels DimensionOrder="XYZCT" SizeX="7" SizeY="6" Type="uint8" {pixels}>'
        f'<Channel ID="Channel:0" SamplesPerPixel="1"/>{planes}</Pixels></Image></OME>'
    )
    return hostile.tiff(GRAY[:pages], photometric="minisblack", description=described, metadata=None)


BACKWARDS = "".join(f'<TiffData FirstZ="{3 - page}" IFD="{page}" PlaneCount="1"/>' for page in range(4))
OTHER_FILE = '<TiffData FirstZ="{0}" IFD="{0}" PlaneCount="1"><UUID FileName="b.tif">urn:b</UUID></TiffData>'


def test_the_order_of_an_ome_tiff_is_that_of_its_description(tmp_path: Path):
    (tmp_path / "a.tif").write_bytes(_ome(BACKWARDS))
    np.testing.assert_array_equal(_read(tmp_path / "a.tif")[..., 0], GRAY[::-1])
    assert open_frames([tmp_path / "a.tif"]).names[0] == "a.tif, page 4"


@pytest.mark.parametrize("planes", ["", "<TiffData/>", '<TiffData IFD="0" PlaneCount="4"/>'])
def test_planes_that_are_not_told_one_by_one_follow_the_pages(tmp_path: Path, planes: str):
    (tmp_path / "a.tif").write_bytes(_ome(planes))
    np.testing.assert_array_equal(_read(tmp_path / "a.tif")[..., 0], GRAY)


def test_a_preview_and_a_mask_are_no_frames(tmp_path: Path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for subfile, kind in ((0, "minisblack"), (1, "minisblack"), (4, "mask"), (0, "minisblack")):
            page = GRAY[0] > 20 if kind == "mask" else GRAY[subfile]
            file.write(page, photometric=kind, subfiletype=subfile, metadata=None)
    assert open_frames([tmp_path / "a.tif"]).names == ("a.tif, page 1", "a.tif, page 4")


CHANNELS = {"axes": "ZCYX"}
TWO = np.stack([GRAY, GRAY], axis=1)

REFUSED = {
    "OME, channels": (
        hostile.tiff(TWO, photometric="minisblack", ome=True, metadata=CHANNELS),
        "OME-TIFF of 2 channels",
    ),
    "OME, depths and times": (
        hostile.tiff(TWO, photometric="minisblack", ome=True, metadata={"axes": "ZTYX"}),
        "OME-TIFF of 4 depths and 2 times, expected one of the two",
    ),
    "OME, planes elsewhere": (_ome("".join(map(OTHER_FILE.format, range(4)))), "4 planes, of which 0 are in this file"),
    "OME, planes that are not there": (_ome("", pages=3), "4 planes, of which 3 are in this file"),
    "OME, planes without number": (_ome('<TiffData FirstZ="-1"/>'), "FirstZ='-1'"),
    "OME, a depth without end": (_ome("", pixels='SizeZ="999999999" SizeC="1" SizeT="1"'), "of which 4 are"),
    "OME, entities": (_ome("", before="<!DOCTYPE OME [<!ENTITY a 'b'>]>"), "declares entities"),
    "OME, no planes": (_ome("", pixels='SizeZ="0" SizeC="1" SizeT="0"'), "has no planes"),
    "OME, damaged": (_ome("<TiffData"), "is no XML"),
    "ImageJ, channels": (hostile.tiff(TWO, imagej=True, metadata=CHANNELS), "ImageJ of 2 channels"),
    "ImageJ, depths as channels": (hostile.tiff(GRAY, imagej=True), "4 channels and one depth, .* Image > Properties"),
    "ImageJ, depths and times": (
        hostile.tiff(TWO.swapaxes(0, 1), imagej=True, metadata={"axes": "TZYX"}),
        "ImageJ of 4 depths and 2 times",
    ),
    "ImageJ, one page for all": (
        hostile.tiff(GRAY, imagej=True, truncate=True, metadata={"axes": "ZYX"}),
        "4 pictures in 1 pages",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_stack_is_refused_in_a_line(tmp_path: Path, what: str):
    data, said = REFUSED[what]
    (tmp_path / "a.tif").write_bytes(data)
    with pytest.raises(RequestError, match=said) as error:
        open_frames([tmp_path / "a.tif"])
    assert str(error.value).startswith(f"{tmp_path / 'a.tif'}: ")
    assert "\n" not in str(error.value)


def test_what_a_page_does_not_say_the_first_one_does(tmp_path: Path):
    metadata = {"axes": "ZYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.25, "PhysicalSizeXUnit": "µm"}
    tifffile.imwrite(tmp_path / "a.ome.tif", GRAY, photometric="minisblack", metadata=metadata)
    frame = open_frames([tmp_path / "a.ome.tif"]).read(3)
    assert frame.metadata.calibration is not None
    assert frame.metadata.calibration.size == (0.5, 0.25)


def test_pages_are_turned_each_by_its_own_orientation(tmp_path: Path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for orientation in (1, 6):
            file.write(
                GRAY[0],
                photometric="minisblack",
                resolution=(100, 200),
                metadata=None,
                extratags=[(274, "H", 1, orientation, True)],
            )
    first, second = (open_frames([tmp_path / "a.tif"]).read(index) for index in (0, 1))
    np.testing.assert_array_equal(second.pixels, np.rot90(first.pixels, -1))
    assert (first.metadata.resolution, second.metadata.resolution) == ((100, 200), (200, 100))


def test_a_file_that_has_changed_since_is_refused(tmp_path: Path):
    tifffile.imwrite(tmp_path / "a.tif", COLOR, photometric="rgb")
    frames = open_frames([tmp_path / "a.tif"])
    tifffile.imwrite(tmp_path / "a.tif", COLOR[:, :3, :3].copy(), photometric="rgb", description="x" * 2000)
    with pytest.raises(RequestError, match="cannot be read"):
        frames.read(3)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_description_that_says_anything_is_read_or_refused_in_a_line(tmp_path_factory, data: st.DataObject):
    number = st.sampled_from(["0", "1", "4", "9", "999999999", "-1", "x", ""])
    sizes = " ".join(f'Size{axis}="{data.draw(number)}"' for axis in "ZCT")
    tags = data.draw(st.lists(st.tuples(number, number, number), max_size=3))
    planes = "".join(f'<TiffData FirstZ="{first}" IFD="{page}" PlaneCount="{count}"/>' for first, page, count in tags)
    path = tmp_path_factory.mktemp("ome") / "a.tif"
    path.write_bytes(_ome(planes, pixels=sizes))
    try:
        frames = open_frames([path])
    except RequestError:
        return
    assert 1 <= len(frames) <= 4
    assert frames.read(len(frames) - 1).size == (6, 7)
