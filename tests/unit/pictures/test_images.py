"""Image files read and written, whatever their format; masks; pixels and tensors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from bridgetune.data import image_size, read_image, read_mask, to_pixels, to_tensor, write_image
from bridgetune.errors import RequestError, WorkError
from bridgetune.pictures import images, is_jpeg
from tests.support.hostile import encoded, tiff

ORIENTATION = 274  # the tag of Exif and TIFF


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".bmp"])
def test_8_bit_survives_writing_and_reading(tmp_path, rgb8, suffix):
    for pixels in (rgb8, rgb8[..., 0]):
        write_image(tmp_path / f"a{suffix}", pixels)
        picture = read_image(tmp_path / f"a{suffix}")
        assert picture.bits == 8
        assert picture.gray == (pixels.ndim == 2)
        np.testing.assert_array_equal(picture.pixels, pixels if pixels.ndim == 3 else rgb8[..., :1].repeat(3, 2))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bit_survives_writing_and_reading(tmp_path, rgb16, suffix):
    for pixels in (rgb16, rgb16[..., 0]):
        write_image(tmp_path / f"a{suffix}", pixels)
        picture = read_image(tmp_path / f"a{suffix}")
        assert picture.bits == 16
        assert picture.gray == (pixels.ndim == 2)
        expected = pixels if pixels.ndim == 3 else rgb16[..., :1].repeat(3, 2)
        np.testing.assert_array_equal(picture.pixels, expected)


def test_what_is_written_can_be_read_by_other_programs(tmp_path, rgb8):
    for name in ("a.png", "a.tif", "a.bmp"):
        write_image(tmp_path / name, rgb8)
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / name)), rgb8)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bit_is_exchanged_with_opencv(tmp_path, rgb16, suffix):
    cv2 = pytest.importorskip("cv2")
    cv2.imwrite(str(tmp_path / f"theirs{suffix}"), rgb16[..., ::-1])
    np.testing.assert_array_equal(read_image(tmp_path / f"theirs{suffix}").pixels, rgb16)
    write_image(tmp_path / f"ours{suffix}", rgb16)
    theirs = cv2.imread(str(tmp_path / f"ours{suffix}"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(theirs[..., ::-1], rgb16)


def test_jpeg_is_written_close_to_the_pixels_with_full_colour_resolution(tmp_path):
    stripes = np.zeros((16, 16, 3), np.uint8)
    stripes[:, ::2] = (255, 0, 0)
    write_image(tmp_path / "a.jpg", stripes)
    # At 4:2:0 the red of neighbouring columns would be averaged, and off by about 100.
    assert np.abs(read_image(tmp_path / "a.jpg").pixels.astype(int) - stripes).max() < 20


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
def test_the_exif_orientation_is_applied(tmp_path, rng, orientation, suffix):
    path = tmp_path / f"a.{suffix}"
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    Image.fromarray(rng.integers(0, 256, (16, 32, 3), np.uint8)).save(path, exif=exif)
    picture = read_image(path)
    np.testing.assert_array_equal(picture.pixels, np.asarray(ImageOps.exif_transpose(Image.open(path))))
    assert image_size(path) == picture.size


def _one_line(error: pytest.ExceptionInfo[RequestError], path: Path) -> bool:
    message = str(error.value)
    return message.startswith(f"{path}: ") and "expected" in message and "\n" not in message


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(RequestError, match="no such file") as error:
        read_image(tmp_path / "none.png")
    assert _one_line(error, tmp_path / "none.png")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(RequestError, match="is a folder") as error:
        read_image(tmp_path)
    assert _one_line(error, tmp_path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
@pytest.mark.parametrize("content", [b"", b"not an image\n" * 9])
def test_what_is_no_image_is_refused_whatever_its_suffix(tmp_path, suffix, content):
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(content)
    for read in (read_image, image_size):
        with pytest.raises(RequestError, match="not an image") as error:
            read(path)
        assert _one_line(error, path)


def test_a_jpeg_is_known_by_its_content_whatever_its_suffix(tmp_path, rgb8):
    for name in ("a.jpg", "b.png", "c.tif"):
        write_image(tmp_path / name, rgb8)
    (tmp_path / "a.jpg").rename(tmp_path / "a.png")
    found = {path.name: is_jpeg(path) for path in tmp_path.iterdir()}
    assert found == {"a.png": True, "b.png": False, "c.tif": False}
    with pytest.raises(RequestError, match=r"missing\.jpg: no such file"):
        is_jpeg(tmp_path / "missing.jpg")


def test_the_content_tells_the_format_and_not_the_suffix(tmp_path, rgb8):
    write_image(tmp_path / "a.tif", rgb8)
    (tmp_path / "a.tif").rename(tmp_path / "a.jpg")
    np.testing.assert_array_equal(read_image(tmp_path / "a.jpg").pixels, rgb8)


@pytest.mark.parametrize("keep", [0.05, 0.5, 0.9])
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_a_truncated_8_bit_file_is_refused(tmp_path, rng, truncate, suffix, keep):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(rng.integers(0, 256, (64, 64, 3), np.uint8)).save(path)
    with pytest.raises(RequestError) as error:
        read_image(truncate(path, keep))
    assert _one_line(error, path)


@pytest.mark.parametrize("keep", [0.05, 0.5, 0.9])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_a_truncated_16_bit_file_is_refused(tmp_path, rng, truncate, suffix, keep):
    path = tmp_path / f"a.{suffix}"
    write_image(path, rng.integers(0, 65536, (64, 64, 3), np.uint16))
    with pytest.raises(RequestError) as error:
        read_image(truncate(path, keep))
    assert _one_line(error, path)


@pytest.mark.parametrize("mode", ["L", "1", "RGB", "P"])
def test_a_mask_is_one_where_it_is_brighter_than_half(tmp_path, mode):
    row = np.array([[0] * 10 + [127, 128] + [255] * 10], np.uint8)  # an edge, smoothed
    Image.fromarray(row).convert(mode, dither=0).save(tmp_path / "m.png")
    mask = read_mask(tmp_path / "m.png")
    assert mask.dtype == torch.float32
    assert mask.tolist() == [[[0] * 11 + [1] * 11]]


def test_a_16_bit_mask_is_thresholded_at_its_own_half(tmp_path):
    row = np.array([[0, 255] * 5 + [32767, 32768] + [65535] * 10], np.uint16)
    write_image(tmp_path / "m.png", row)
    assert read_mask(tmp_path / "m.png").tolist() == [[[0] * 11 + [1] * 11]]


def test_a_photograph_is_no_mask(tmp_path):
    ramp = np.tile(np.arange(256, dtype=np.uint8), (8, 1))
    write_image(tmp_path / "m.png", ramp)
    with pytest.raises(RequestError, match=r"75% of its pixels are neither dark nor bright.*photograph"):
        read_mask(tmp_path / "m.png")


def test_a_black_mask_is_a_mask(tmp_path):
    write_image(tmp_path / "m.png", np.zeros((2, 2), np.uint8))
    assert read_mask(tmp_path / "m.png").sum() == 0


def test_a_mask_of_zeros_and_ones_is_refused_with_the_factor_that_mends_it(tmp_path):
    write_image(tmp_path / "m.png", np.eye(3, dtype=np.uint8))
    with pytest.raises(RequestError, match="multiply it by 255"):
        read_mask(tmp_path / "m.png")


@pytest.mark.parametrize(
    ("name", "pixels", "message"),
    [
        ("a.jpg", np.zeros((2, 2), np.uint16), "cannot hold 16 bit"),
        ("a.bmp", np.zeros((2, 2, 3), np.uint16), "cannot hold 16 bit"),
        ("a.xyz", np.zeros((2, 2), np.uint8), "cannot write .xyz"),
        ("a", np.zeros((2, 2), np.uint8), "without a suffix"),
        ("a.png", np.zeros((2, 2), np.float32), "type float32"),
        ("a.png", np.zeros((2, 2, 4), np.uint8), r"shape \(2, 2, 4\)"),
        ("a.png", np.zeros((0, 2), np.uint8), r"shape \(0, 2\)"),
        ("a.png", np.zeros(2, np.uint8), r"shape \(2,\)"),
    ],
)
def test_what_a_format_cannot_hold_is_refused_before_anything_is_written(tmp_path, name, pixels, message):
    with pytest.raises(RequestError, match=message) as error:
        write_image(tmp_path / "new" / name, pixels)
    assert _one_line(error, tmp_path / "new" / name)
    assert list(tmp_path.iterdir()) == []


def test_writing_makes_the_folders_and_leaves_nothing_else(tmp_path, rgb8):
    write_image(tmp_path / "x" / "y" / "a.PNG", rgb8)
    assert [path.name for path in (tmp_path / "x" / "y").iterdir()] == ["a.PNG"]


def test_writing_to_a_folder_or_under_a_file_is_refused(tmp_path, rgb8):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").touch()
    for path in (tmp_path / "folder.png", tmp_path / "file" / "a.png"):
        with pytest.raises(RequestError) as error:
            write_image(path, rgb8)
        assert _one_line(error, path)


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path, rgb8, monkeypatch):
    write_image(tmp_path / "a.png", rgb8)

    def full_disk(self: Path, data: bytes) -> int:
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(images.Path, "write_bytes", full_disk)
    with pytest.raises(WorkError, match="No space left on device"):
        write_image(tmp_path / "a.png", rgb8 // 2)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").pixels, rgb8)


@given(bits=st.sampled_from([8, 16]), gray=st.booleans(), seed=st.integers(0, 99))
def test_pixels_survive_becoming_a_tensor(bits, gray, seed):
    shape = (4, 5) if gray else (4, 5, 3)
    pixels = np.random.default_rng(seed).integers(0, 2**bits, shape).astype(f"u{bits // 8}")
    tensor = to_tensor(pixels)
    assert tensor.shape == ((1, 4, 5) if gray else (3, 4, 5))
    assert tensor.dtype == torch.float32
    assert 0 <= tensor.min() <= tensor.max() <= 1
    np.testing.assert_array_equal(to_pixels(tensor, bits), pixels)


def test_a_picture_of_full_scale_is_a_tensor_of_ones(tmp_path):
    for kind in (np.uint8, np.uint16):
        write_image(tmp_path / "a.png", np.full((2, 3), np.iinfo(kind).max, kind))
        assert torch.equal(read_image(tmp_path / "a.png").tensor(), torch.ones(3, 2, 3))


def test_to_pixels_clips_and_rounds():
    values = torch.tensor([-0.5, 0.4 / 255, 0.6 / 255, 1.5]).view(1, 1, 4)
    assert to_pixels(values).tolist() == [[0, 0, 1, 255]]


def test_to_pixels_takes_what_comes_out_of_a_network_in_half_precision():
    values = torch.full((3, 2, 2), 0.5, dtype=torch.bfloat16, requires_grad=True)
    assert (to_pixels(values) == 128).all()


@pytest.mark.parametrize(("shape", "bits"), [((2, 3, 4, 4), 8), ((2, 4, 4), 8), ((3, 4, 4), 12)])
def test_to_pixels_refuses_batches_and_other_depths(shape, bits):
    with pytest.raises(RequestError, match="expected"):
        to_pixels(torch.zeros(shape), bits)


def _samples() -> dict[str, bytes]:
    noise = np.random.default_rng(0).integers(0, 256, (20, 24, 3), np.uint8)
    made = {kind: encoded(noise, kind) for kind in ("PNG", "JPEG", "BMP", "WEBP", "GIF", "JPEG2000", "PPM", "TIFF")}
    made |= {
        f"TIFF {way}": tiff(noise, photometric="rgb", compression=way) for way in ("lzw", "deflate", "zstd", "jpeg")
    }
    return made


SAMPLES = _samples()


@settings(max_examples=150, derandomize=True)
@given(kind=st.sampled_from([*SAMPLES]), data=st.data())
def test_whatever_is_done_to_a_file_it_is_read_or_refused_in_one_line(tmp_path_factory, kind, data):
    whole = bytearray(SAMPLES[kind])
    places = st.integers(0, len(whole) - 1)
    change = data.draw(st.sampled_from(["cut", "set", "flip", "header", "out"]))
    if change == "cut":
        del whole[data.draw(places) :]
    elif change == "out":
        first, last = sorted((data.draw(places), data.draw(places)))
        del whole[first:last]
    else:
        for _ in range(data.draw(st.integers(1, 4))):
            place = data.draw(st.integers(0, min(len(whole) - 1, 200))) if change == "header" else data.draw(places)
            whole[place] = whole[place] ^ 16 if change == "flip" else data.draw(st.sampled_from([0, 1, 127, 128, 255]))
    path = tmp_path_factory.getbasetemp() / "mutated"
    path.write_bytes(SAMPLES[kind])
    pixels = read_image(path).pixels
    path.write_bytes(whole)
    for read in (image_size, read_image):
        found, message = _outcome(read, path)
        if message:
            assert message.startswith(f"{path}: ")
            assert "\n" not in message
            assert len(message) < 1000
        elif kind == "PNG" and read is read_image:  # alone has checksums of everything
            np.testing.assert_array_equal(found.pixels, pixels)


def _outcome(read, path: Path):
    try:
        return read(path), ""
    except RequestError as error:
        return None, str(error)


SHARED_CASES = {
    "bomb.jpg": "more than 549 bytes can hold",
    "bomb.png": "more than 17 bytes can hold",
    "eps_as_png.png": "PostScript",
    "ifd_cycle.tif": "return to one another",
    "stderr_noise.tif": "tag 278 has",
    "truncated_pil_accepted.tif": "beyond its end",
    "zero_height.tif": "declares no pixels",
}


@pytest.mark.parametrize("name", SHARED_CASES)
def test_the_shared_cases_are_refused_in_silence(shared, capfd, caplog, name):
    path = shared(f"cases/files/{name}")
    for read in (image_size, read_image, read_mask):
        with pytest.raises(RequestError, match=SHARED_CASES[name]):
            read(path)
    assert capfd.readouterr().err == ""
    assert caplog.messages == []


def test_a_pixel_of_a_picture_with_alpha_is_written(tmp_path):
    whole = np.arange(4, dtype=np.uint8).reshape(1, 1, 4)
    write_image(tmp_path / "a.png", whole[..., :3])
    assert read_image(tmp_path / "a.png").pixels.tolist() == [[[0, 1, 2]]]
