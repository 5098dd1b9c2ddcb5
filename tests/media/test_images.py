"""A picture is one group of channels, and comes back as a picture."""

from __future__ import annotations

import io
import math
import struct
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

import codec
from codec.coding.normalise import normalise
from codec.errors import CorruptError, InvalidInputError, InvalidOptionError
from codec.measuring.quality import compare, psnr_of_components, with_shared_psnr
from codec.media import formats
from codec.media.dataset import Dataset, DecodedDataset, DecodedField, Field
from codec.media.image import write as image_write
from codec.media.image.metadata import ImageMetadata, upright
from codec.media.libraries import library
from codec.media.numpy_files import npy
from codec.reading.contents import FileContents
from codec.reports import EncodeReport

FAST: dict[str, Any] = {"effort": 0, "threads": 1, "device": "cpu"}
SHAPE = (32, 48)
NAMES = {1: ("grey",), 2: ("grey", "alpha"), 3: ("red", "green", "blue"),
         4: ("red", "green", "blue", "alpha")}  # fmt: skip


def smooth(channels: int, dtype: str = "u1") -> Any:
    """A picture that is easily fitted; alpha, the last of 2 and 4 channels, is never 0."""
    y, x = np.mgrid[0:1:32j, 0:1:48j]
    waves = [0.5 + 0.4 * np.sin(3 * y + 4 * x + 0.7 * number) for number in range(channels)]
    pixels = np.stack(waves, axis=2) * np.iinfo(dtype).max
    return np.squeeze(pixels.astype(dtype), axis=2 if channels == 1 else ())


def noise(shape: tuple[int, ...], dtype: str = "u1") -> Any:
    return np.random.default_rng(5).integers(0, np.iinfo(dtype).max + 1, shape, dtype)


def save(path: Path, pixels: Any, **options: Any) -> Path:
    Image.fromarray(pixels).save(path, **options)
    return path


def stacked(dataset: Dataset) -> Any:
    """(y, x) or (y, x, channel)."""
    values = [field.values[...] for field in dataset.fields]
    return values[0] if len(values) == 1 else np.stack(values, axis=2)


def decoded(pixels: Any, *names: str, **metadata: bytes) -> DecodedDataset:
    """What a writer gets; the fields arrive in two blocks."""
    planes = pixels.reshape(*pixels.shape[:2], -1)
    names = names or NAMES[planes.shape[2]]
    half = planes.shape[0] // 2

    def field(number: int, name: str) -> DecodedField:
        plane = planes[..., number]
        rows = (slice(half, len(plane)), slice(0, half))
        blocks = [((part, slice(0, plane.shape[1])), plane[part]) for part in rows]
        return DecodedField(name, ("y", "x"), plane.shape, plane.dtype, lambda: iter(blocks))

    fields = tuple(field(number, name) for number, name in enumerate(names))
    return DecodedDataset("image", fields, ImageMetadata(**metadata).to_tree(), {})


def read_back(path: Path) -> Any:
    with Image.open(path) as found:
        return np.asarray(found)


def encode(source: Path, **options: Any) -> EncodeReport:
    return codec.encode(source, source.with_suffix(".inrc"), **{**FAST, **options})


def decode(source: Path, name: str, **options: Any) -> Any:
    target = source.with_name(name)
    codec.decode(source.with_suffix(".inrc"), target, device="cpu", threads=1, **options)
    return np.load(target) if target.suffix == ".npy" else read_back(target)


def psnr(original: Any, found: Any, peak: float = 255) -> float:
    error = np.square(original.astype(float) - found.astype(float))
    return 20 * math.log10(peak) - 10 * math.log10(error.mean())


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(depth: int, colour: int, row: bytes, transparent: bytes = b"", width: int = 4) -> bytes:
    """A PNG of one row, for what Pillow does not write."""
    header = struct.pack(">IIBBBBB", width, 1, depth, colour, 0, 0, 0)
    key = chunk(b"tRNS", transparent) if transparent else b""
    data = chunk(b"IDAT", zlib.compress(b"\0" + row))
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return start + key + data + chunk(b"IEND", b"")


@cache
def profile() -> bytes:
    """An ICC profile, which holds the time it was made."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exif(orientation: int, description: str = "a flower") -> bytes:
    data = Image.Exif()
    data[0x010E] = description
    data[0x0112] = orientation
    data.get_ifd(0x8769)[0x9003] = "2020:01:02 03:04:05"
    return data.tobytes()


# Reading


@pytest.mark.parametrize(
    ("suffix", "channels"),
    [
        *((suffix, channels) for suffix in ("png", "tif") for channels in (1, 2, 3, 4)),
        *(("webp", 3), ("webp", 4), ("bmp", 1), ("bmp", 3), ("ppm", 3), ("pgm", 1)),
    ],
)
def test_every_channel_is_read_exactly(channels: int, suffix: str, tmp_path: Path) -> None:
    pixels = noise((5, 7, channels))
    pixels = pixels[..., 0] if channels == 1 else pixels
    if channels in (2, 4):
        pixels[..., -1] |= 1
    lossless = {"lossless": True, "exact": True} if suffix == "webp" else {}
    path = save(tmp_path / f"a.{suffix}", pixels, **lossless)
    dataset = formats.read(path)
    assert (dataset.medium, dataset.kind) == ("image", "image")
    assert tuple(field.name for field in dataset.fields) == NAMES[channels]
    assert dataset.joint == (NAMES[channels],)
    assert dataset.source_bytes == path.stat().st_size
    for field in dataset.fields:
        assert (field.dims, field.shape, field.dtype) == (("y", "x"), (5, 7), np.dtype("u1"))
        assert (field.peak, field.valid) == (255, None)
    np.testing.assert_array_equal(stacked(dataset), pixels)


@pytest.mark.parametrize(
    ("suffix", "order"), [("png", "<"), ("tif", "<"), ("tif", ">"), ("pgm", "<")]
)
def test_sixteen_bits_of_grey_are_read_exactly(suffix: str, order: str, tmp_path: Path) -> None:
    pixels = noise((5, 7), "u2")
    mode = "I;16" if order == "<" else "I;16B"
    stored = Image.frombytes(mode, (7, 5), pixels.astype(order + "u2").tobytes())
    stored.save(tmp_path / f"a.{suffix}")
    (field,) = formats.read(tmp_path / f"a.{suffix}").fields
    assert (field.name, field.peak) == ("grey", 65535)
    assert field.dtype == np.dtype("=u2")
    np.testing.assert_array_equal(field.values[...], pixels)


def test_jpeg_is_read_as_pillow_reads_it(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", smooth(3))
    np.testing.assert_array_equal(stacked(formats.read(path)), read_back(path))


@pytest.mark.parametrize("transparency", [None, 1, b"\x10\x00\xff"], ids=str)
def test_palettes_are_expanded(transparency: Any, tmp_path: Path) -> None:
    indices = np.array([[0, 1, 2], [2, 1, 0]], np.uint8)
    picture = Image.fromarray(indices).convert("P")
    picture.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    picture.putdata(indices.ravel().tolist())
    options = {} if transparency is None else {"transparency": transparency}
    picture.save(tmp_path / "a.png", **options)
    expected = np.array([[10, 20, 30], [40, 50, 60], [70, 80, 90]], np.uint8)[indices]
    if transparency is not None:
        levels = [255, 0, 255] if transparency == 1 else list(transparency)
        expected = np.dstack([expected, np.array(levels, np.uint8)[indices]])
        expected[expected[..., 3] == 0] = 0
    np.testing.assert_array_equal(stacked(formats.read(tmp_path / "a.png")), expected)


@pytest.mark.parametrize(
    ("depth", "row", "key", "expected"),
    [
        (1, b"\x50", 1, [0, 255, 0, 255]),
        (2, b"\x1b", 2, [0, 85, 170, 255]),
        (4, b"\x01\x23", 2, [0, 17, 34, 51]),
        (8, b"\x01\x02\x03\x02", 2, [1, 2, 3, 2]),
        (16, b"\x01\x01\x02\x01\x02\x02\x00\x02", 0x0201, [257, 513, 514, 2]),
    ],
)
def test_the_transparent_level_of_a_grey_png(
    depth: int, row: bytes, key: int, expected: list[int], tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(png(depth, 0, row, struct.pack(">H", key)))
    grey, alpha = (field.values[...].ravel() for field in formats.read(tmp_path / "a.png").fields)
    top = 65535 if depth == 16 else 255
    level = key if depth == 16 else key * 255 // ((1 << depth) - 1)
    values = np.array(expected)
    assert alpha.tolist() == np.where(values == level, 0, top).tolist()
    assert 0 in alpha
    assert grey.tolist() == np.where(values == level, 0, values).tolist()


def test_the_transparent_colour_of_an_rgb_png(tmp_path: Path) -> None:
    row = bytes([1, 2, 3, 1, 2, 4, 9, 2, 3, 1, 2, 3])
    (tmp_path / "a.png").write_bytes(png(8, 2, row, struct.pack(">HHH", 1, 2, 3)))
    pixels = stacked(formats.read(tmp_path / "a.png"))
    assert pixels[0].tolist() == [[0, 0, 0, 0], [1, 2, 4, 255], [9, 2, 3, 255], [0, 0, 0, 0]]


def test_black_and_white_is_grey(tmp_path: Path) -> None:
    bits = np.eye(9, 11, dtype=bool)
    Image.fromarray(bits).save(tmp_path / "a.png")
    np.testing.assert_array_equal(stacked(formats.read(tmp_path / "a.png")), bits * np.uint8(255))


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_once(orientation: int, suffix: str, tmp_path: Path) -> None:
    options = {"lossless": True} if suffix == "webp" else {}
    path = save(tmp_path / f"a.{suffix}", smooth(3), exif=exif(orientation), **options)
    with Image.open(path) as stored:
        expected = np.asarray(ImageOps.exif_transpose(stored))
    assert expected.shape[:2] == (SHAPE if orientation < 5 else SHAPE[::-1])
    dataset = formats.read(path)
    np.testing.assert_array_equal(stacked(dataset), expected)
    image_write.write(tmp_path / "again.png", _as_decoded(dataset))
    with Image.open(tmp_path / "again.png") as again:
        assert again.getexif().get(0x0112, 1) == 1
        np.testing.assert_array_equal(np.asarray(ImageOps.exif_transpose(again)), expected)


def _as_decoded(dataset: Dataset) -> DecodedDataset:
    metadata = ImageMetadata.from_tree(dataset.metadata)
    names = [field.name for field in dataset.fields]
    return decoded(stacked(dataset), *names, icc=metadata.icc, exif=metadata.exif)


@pytest.mark.parametrize("order", ["<", ">"])
def test_only_the_orientation_in_exif_is_touched(order: str) -> None:
    start = b"II*\0" if order == "<" else b"MM\0*"
    maker = struct.pack(order + "HHII", 0x010F, 2, 4, 0x41414100)
    turned = struct.pack(order + "HHIHH", 0x0112, 3, 1, 6, 0)
    before = start + struct.pack(order + "IH", 8, 2) + maker
    data = before + turned + b"\0\0\0\0" + b"maker notes"
    orientation, found = upright(data)
    assert orientation == 6
    place = len(before) + 8
    assert found == data[:place] + struct.pack(order + "H", 1) + data[place + 2 :]
    for damaged in (b"", b"junk", data[:6], data[: len(before) + 3]):
        assert upright(damaged) == (1, damaged)


@pytest.mark.parametrize("target", ["png", "tif", "webp", "jpg"])
@pytest.mark.parametrize("source", ["png", "tif", "webp", "jpg"])
def test_icc_and_exif_are_kept(source: str, target: str, tmp_path: Path) -> None:
    path = save(tmp_path / f"a.{source}", smooth(3), icc_profile=profile(), exif=exif(1))
    dataset = formats.read(path)
    back = tmp_path / f"back.{target}"
    image_write.write(back, _as_decoded(dataset))
    with Image.open(back) as found:
        assert found.info["icc_profile"] == profile()
        data = found.getexif()
        assert data[0x010E] == "a flower"
        assert data.get_ifd(0x8769)[0x9003] == "2020:01:02 03:04:05"
    if "tif" not in (source, target):
        with Image.open(path) as first, Image.open(back) as second:
            prefix = b"Exif\0\0"
            assert second.info["exif"].removeprefix(prefix) == first.info["exif"].removeprefix(
                prefix
            )


def test_metadata_breaks_no_rule_and_unknown_keys_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", smooth(1))
    assert formats.read(path).metadata == {}
    for tree in ({2: b"x"}, {0: "text"}, {1: b""}):
        with pytest.raises(CorruptError, match="metadata of the image"):
            ImageMetadata.from_tree(tree)


def test_colour_under_full_transparency_is_free(tmp_path: Path) -> None:
    pixels = noise((6, 8, 4))
    pixels[..., 3] |= 1
    pixels[1:3, 2:5, 3] = 0
    dataset = formats.read(save(tmp_path / "a.png", pixels))
    hole = pixels[..., 3] == 0
    *colours, alpha = dataset.fields
    for field in colours:
        np.testing.assert_array_equal(field.valid, ~hole)
        assert not field.values[...][hole].any()
    assert alpha.valid is None
    expected = np.where(hole[..., None], 0, pixels)
    np.testing.assert_array_equal(stacked(dataset), expected)


def test_channels_can_be_chosen(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", smooth(3))
    dataset = formats.read(path, ("blue", "red"))
    assert [field.name for field in dataset.fields] == ["red", "blue"]
    assert dataset.joint == (("red", "blue"),)
    with pytest.raises(
        InvalidOptionError, match="no variable 'alpha'; available: red, green, blue"
    ):
        formats.read(path, ("alpha",))


# Refusals


def _animation(path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(path, save_all=True, append_images=frames[1:])


def _sixteen_bit_tiff(path: Path) -> None:
    """A valid TIFF of 2 x 1 pixels with three channels of 16 bits."""
    pixels = struct.pack("<6H", 1, 2, 3, 4, 5, 6)
    bits = struct.pack("<3H", 16, 16, 16)
    entries = [(256, 3, 1, 2), (257, 3, 1, 1), (258, 3, 3, 20), (259, 3, 1, 1), (262, 3, 1, 2),
               (273, 4, 1, 8), (277, 3, 1, 3), (278, 3, 1, 1), (279, 4, 1, 12)]  # fmt: skip
    directory = struct.pack("<H", len(entries))
    directory += b"".join(struct.pack("<HHII", *entry) for entry in entries) + b"\0\0\0\0"
    path.write_bytes(b"II*\0" + struct.pack("<I", 26) + pixels + bits + directory)


REFUSED: dict[str, tuple[str, Callable[[Path], Any], str]] = {
    "animated webp": ("a.webp", _animation, "2 pictures"),
    "animated png": ("a.png", _animation, "2 pictures"),
    "16-bit rgb ppm": (
        "a.ppm",
        lambda p: p.write_bytes(b"P6 # a comment\n2 1\n65535\n" + bytes(12)),
        "16 bits",
    ),
    "cmyk": ("a.jpg", lambda p: Image.new("CMYK", (8, 8)).save(p), "mode CMYK"),
    "text": ("a.png", lambda p: p.write_text("hello, world"), "not a PNG"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_kept_is_refused_in_one_line(case: str, tmp_path: Path) -> None:
    name, make, reason = REFUSED[case]
    make(tmp_path / name)
    with pytest.raises(InvalidInputError, match=rf"{name}: .*{reason}") as caught:
        formats.read(tmp_path / name)
    assert "\n" not in str(caught.value)


# 16 bits in several channels


@pytest.mark.parametrize("channels", [2, 3, 4])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_a_channel_survive(suffix: str, channels: int, tmp_path: Path) -> None:
    if (suffix, channels) == ("tif", 2):
        pytest.skip("Pillow opens no TIFF of 16-bit grey with alpha, which is refused")
    pixels = noise((6, 7, channels), "u2")
    path = tmp_path / f"a.{suffix}"
    made = decoded(pixels, icc=profile(), exif=exif(1).removeprefix(b"Exif\0\0"))
    image_write.write(path, made)
    dataset = formats.read(path)
    assert {field.dtype for field in dataset.fields} == {np.dtype("u2")}
    assert {field.peak for field in dataset.fields} == {65535.0}
    valid = True if channels == 3 else pixels[..., -1:] > 0
    np.testing.assert_array_equal(stacked(dataset) * valid, pixels * valid)
    metadata = ImageMetadata.from_tree(dataset.metadata)
    assert metadata.icc == profile()
    assert b"a flower" in metadata.exif
    with Image.open(path) as image:  # other readers find them as well
        assert image.info["icc_profile"] == profile()
        assert image.getexif()[0x010E] == "a flower"


def test_sixteen_bits_by_hand(tmp_path: Path) -> None:
    _sixteen_bit_tiff(tmp_path / "a.tif")
    np.testing.assert_array_equal(
        stacked(formats.read(tmp_path / "a.tif")), [[[1, 2, 3], [4, 5, 6]]]
    )
    row = struct.pack(">12H", *range(1, 13))
    (tmp_path / "a.png").write_bytes(png(16, 2, row))
    found = stacked(formats.read(tmp_path / "a.png"))
    np.testing.assert_array_equal(found.ravel(), range(1, 13))
    (tmp_path / "b.png").write_bytes(png(16, 2, row, transparent=struct.pack(">3H", 4, 5, 6)))
    alpha = formats.read(tmp_path / "b.png").fields[-1]
    np.testing.assert_array_equal(alpha.values[...], [[65535, 0, 65535, 65535]])


def test_sixteen_bits_are_turned_upright(tmp_path: Path) -> None:
    tifffile = library("tifffile")
    pixels = noise((5, 7, 3), "u2")
    tags = [(0x0112, "H", 1, 6, True)]
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", metadata=None, extratags=tags)
    dataset = formats.read(tmp_path / "a.tif")
    np.testing.assert_array_equal(stacked(dataset), np.rot90(pixels, -1))


def test_alpha_multiplied_into_sixteen_bits_is_refused(tmp_path: Path) -> None:
    library("tifffile").imwrite(
        tmp_path / "a.tif", noise((5, 7, 4), "u2"), photometric="rgb", metadata=None,
        extrasamples=("assocalpha",),
    )  # fmt: skip
    with pytest.raises(InvalidInputError, match=r"a\.tif: 16-bit pictures .* straight alpha"):
        formats.read(tmp_path / "a.tif")


@pytest.mark.parametrize("suffix", ["png", "tif", "webp", "jpg", "bmp", "ppm"])
def test_truncated_images_are_refused(suffix: str, tmp_path: Path) -> None:
    path = save(tmp_path / f"cut.{suffix}", noise((*SHAPE, 3)))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InvalidInputError, match=rf"cut\.{suffix}: .*(truncated|damaged)"):
        formats.read(path)


def test_a_damaged_png_is_noticed_by_its_checksum(tmp_path: Path) -> None:
    path = tmp_path / "bad.png"
    path.write_bytes(png(8, 0, bytes(4)).replace(b"IEND", b"IENd"))
    with pytest.raises(InvalidInputError, match=r"bad\.png: .*damaged"):
        formats.read(path)


def test_pillows_limit_of_pixels_is_honoured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / "big.png", smooth(1))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", SHAPE[0] * SHAPE[1] // 2 - 1)
    with pytest.raises(InvalidInputError, match=r"big\.png: has more than 1534 pixels"):
        formats.read(path)


@pytest.mark.parametrize("suffix", ["png", "tif", "webp", "jpg", "bmp", "ppm"])
def test_content_wins_over_suffix(suffix: str, tmp_path: Path) -> None:
    path = save(tmp_path / f"a.{suffix}", smooth(3))
    assert formats.read(path.rename(tmp_path / "misnamed.npy")).medium == "image"


def test_text_that_begins_like_a_bitmap_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("BMW sells motorcycles too")
    with pytest.raises(InvalidInputError, match="unknown file format"):
        formats.read(tmp_path / "a.txt")


# Writing


@pytest.mark.parametrize("suffix", [".png", ".tif", ".TIFF", ".webp", ".bmp", ".ppm", ".pgm"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_lossless_formats_hold_every_value(channels: int, suffix: str, tmp_path: Path) -> None:
    pixels = noise((5, 7, channels))
    path = tmp_path / f"a{suffix}"
    cannot = {".bmp": (2, 4), ".ppm": (2, 4), ".pgm": (2, 3, 4)}
    if channels in cannot.get(suffix, ()):
        with pytest.raises(InvalidInputError, match=r"cannot hold 8-bit .*; use \.png"):
            image_write.write(path, decoded(pixels))
        return
    image_write.write(path, decoded(pixels))
    found = read_back(path)
    if suffix == ".webp" and channels < 3:
        assert (found[..., 0] == found[..., 2]).all()
        found = found[..., [0, 3][:channels]]
    np.testing.assert_array_equal(found.reshape(pixels.shape), pixels)


def test_jpeg_is_close_and_has_no_alpha(tmp_path: Path) -> None:
    for channels in (1, 3):
        image_write.write(tmp_path / "a.jpg", decoded(smooth(channels)))
        assert psnr(smooth(channels), read_back(tmp_path / "a.jpg")) > 40
    with pytest.raises(InvalidInputError, match=r"alpha; use \.png \.tif \.tiff \.webp \.npy"):
        image_write.write(tmp_path / "b.jpeg", decoded(smooth(4)))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".pgm", ".ppm"])
def test_sixteen_bits_of_grey_are_written(suffix: str, tmp_path: Path) -> None:
    pixels = noise((5, 7), "u2")
    image_write.write(tmp_path / f"a{suffix}", decoded(pixels))
    (field,) = formats.read(tmp_path / f"a{suffix}").fields
    assert field.dtype == np.dtype("u2")
    np.testing.assert_array_equal(field.values[...], pixels)


def test_sixteen_bits_are_not_cut_to_eight(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"16-bit grey; use \.png .*\.pgm \.npy \.nc$"):
        image_write.write(tmp_path / "a.webp", decoded(noise((5, 7), "u2")))
    with pytest.raises(InvalidInputError, match=r"16-bit RGB; use \.png \.tif \.tiff \.npy \.nc$"):
        image_write.write(tmp_path / "a.webp", decoded(noise((5, 7, 3), "u2")))


@pytest.mark.parametrize(
    ("pixels", "names"),
    [
        (np.ones((4, 5), "f4"), ("grey",)),
        (np.ones((4, 5), "i1"), ("grey",)),
        (np.ones((4, 5, 2), "u1"), ("red", "green")),
        (np.ones((4, 5, 3), "u1"), ("u", "v", "w")),
    ],
    ids=["float", "signed", "two colours", "three others"],
)
def test_fields_that_are_no_image_are_refused(
    pixels: Any, names: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(InvalidInputError, match=r"a\.png: .*red\+green\+blue.*\.nc.*\.npy"):
        image_write.write(tmp_path / "a.png", decoded(pixels, *names))
    assert not (tmp_path / "a.png").exists()


def test_a_volume_is_no_image(tmp_path: Path) -> None:
    cube = np.ones((2, 3, 4), "u1")
    field = DecodedField("t", ("", "", ""), cube.shape, cube.dtype, lambda: iter(()))
    with pytest.raises(InvalidInputError, match="2-D"):
        image_write.write(tmp_path / "a.png", DecodedDataset("npy", (field,), {}, {}))


def test_channels_are_put_in_order_and_one_alone_is_grey(tmp_path: Path) -> None:
    pixels = smooth(3)
    turned = decoded(pixels[..., [2, 0, 1]], "blue", "red", "green", icc=profile())
    image_write.write(tmp_path / "a.png", turned)
    np.testing.assert_array_equal(read_back(tmp_path / "a.png"), pixels)
    image_write.write(tmp_path / "b.png", decoded(pixels[..., 0], "red", icc=profile()))
    with Image.open(tmp_path / "b.png") as one:
        assert one.mode == "L"
        assert "icc_profile" not in one.info


def test_an_image_is_one_npy_array(tmp_path: Path) -> None:
    for channels in (1, 2, 3, 4):
        pixels = smooth(channels)
        npy.write(tmp_path / "a.npy", decoded(pixels))
        np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), pixels)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"a\.png: cannot be written"):
        image_write.write(tmp_path / "absent" / "a.png", decoded(smooth(1)))


# Through a file


@pytest.mark.parametrize(("channels", "dtype"), [(1, "u1"), (2, "u1"), (3, "u1"), (1, "u2")])
def test_a_picture_comes_back_at_the_psnr_reported(
    channels: int, dtype: str, tmp_path: Path
) -> None:
    pixels = smooth(channels, dtype)
    path = save(tmp_path / "in.png", pixels)
    report = encode(path, psnr=30)
    assert report.goal_met
    found = decode(path, "back.png")
    assert (found.shape, found.dtype) == (pixels.shape, pixels.dtype)
    measured = psnr(pixels, found, np.iinfo(dtype).max)
    assert measured >= 30
    assert [quality.psnr for quality in report.qualities] == pytest.approx([measured] * channels)
    verified = codec.verify(path.with_suffix(".inrc"), path, device="cpu", threads=1)
    assert [quality.psnr for quality in verified.qualities] == pytest.approx([measured] * channels)
    with FileContents(path.with_suffix(".inrc"), device="cpu", threads=1) as file:
        assert file.streams.head.kind == "image"
        assert file.metadata.medium == "image"
        (item,) = file.items
        peak = np.iinfo(dtype).max
        for component in item.header.components:
            assert (component.offset, component.scale) == (peak / 2, peak / 2)


def test_transparent_pixels_have_no_colour_and_cost_no_quality(tmp_path: Path) -> None:
    pixels = smooth(4)
    hole = np.zeros(SHAPE, bool)
    hole[8:20, 10:30] = True
    pixels[hole] = (*noise((3,)), 0)
    path = save(tmp_path / "in.png", pixels)
    report = encode(path, psnr=20)
    found = decode(path, "back.png")
    assert not found[hole][:, :3].any()
    errors = [
        np.square(found[..., number][~hole].astype(float) - pixels[..., number][~hole]).mean()
        for number in range(3)
    ]
    errors.append(np.square(found[..., 3].astype(float) - pixels[..., 3]).mean())
    expected = 20 * math.log10(255) - 10 * math.log10(np.mean(errors))
    assert report.qualities[0].psnr == pytest.approx(expected)
    assert [quality.valid for quality in report.qualities] == [int((~hole).sum())] * 3 + [hole.size]
    assert all(quality.mask_intact for quality in report.qualities)
    sections = codec.info(path.with_suffix(".inrc")).sections
    validity = [one for one in sections if one.type == "MASK" and "validity" in one.content]
    assert len(validity) == 1


def test_opaque_alpha_is_exact_and_there_is_no_mask(tmp_path: Path) -> None:
    pixels = smooth(4)
    pixels[..., 3] = 255
    path = save(tmp_path / "in.png", pixels)
    encode(path, psnr=25, prune="none")
    assert (decode(path, "back.png")[..., 3] == 255).all()
    assert "MASK" not in [one.type for one in codec.info(path.with_suffix(".inrc")).sections]


def test_an_invisible_picture_comes_back(tmp_path: Path) -> None:
    path = save(tmp_path / "in.png", np.zeros((*SHAPE, 4), "u1"))
    report = encode(path)
    assert report.goal_met
    assert not decode(path, "back.png").any()


def test_a_region_and_other_formats(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(smooth(3)).save(buffer, "PNG", icc_profile=profile(), exif=exif(6))
    path = tmp_path / "in.png"
    path.write_bytes(buffer.getvalue())
    encode(path, psnr=25)
    whole = decode(path, "whole.png")
    assert whole.shape == (*SHAPE[::-1], 3)
    region = {"y": slice(4, 20), "x": slice(3, 30, 2)}
    np.testing.assert_array_equal(decode(path, "part.png", region=region), whole[4:20, 3:30:2])
    np.testing.assert_array_equal(decode(path, "whole.npy"), whole)
    np.testing.assert_array_equal(decode(path, "red.tif", var=["red"]), whole[..., 0])
    with Image.open(tmp_path / "part.png") as part:
        assert part.info["icc_profile"] == profile()
        assert part.getexif()[0x010E] == "a flower"
        assert part.getexif().get(0x0112, 1) == 1
    codec.decode(path.with_suffix(".inrc"), tmp_path / "back.nc", device="cpu", threads=1)
    again = formats.read(tmp_path / "back.nc", ("red", "green", "blue"))
    np.testing.assert_array_equal(stacked(again), whole)
    again.close()


def test_channels_grouped_by_the_caller(tmp_path: Path) -> None:
    path = save(tmp_path / "in.png", smooth(3))
    report = encode(path, psnr=20, joint=[("red", "blue")])
    info = codec.info(path.with_suffix(".inrc"))
    assert {one.name: one.components for one in info.fields} == {"red": 2, "blue": 2, "green": 1}
    assert report.qualities[0].psnr == pytest.approx(psnr(smooth(3), decode(path, "back.png")))


def test_the_fit_is_held_to_the_psnr_that_is_reported(tmp_path: Path) -> None:
    """Channels weigh alike whatever share of them is valid; other fields are measured alone."""
    pixels = noise((6, 8, 4))
    pixels[:4, :, 3] = 0
    pixels[4:, :, 3] = 255 - pixels[4:, :, 3] // 2
    fields = formats.read(save(tmp_path / "a.png", pixels)).fields
    found = [np.where(field.values[...] > 99, field.values[...] - 5, 3) for field in fields]
    for values, field in zip(found, fields, strict=True):
        values[~(np.ones((6, 8), bool) if field.valid is None else field.valid)] = 0
    qualities = [
        compare(field, field.values[...], values.astype("u1"))
        for field, values in zip(fields, found, strict=True)
    ]
    entries = [normalise(field) for field in fields]
    sums = [one.valid * (one.rmse / 127.5) ** 2 for one in qualities]
    counts = [one.valid for one in qualities]
    reported = with_shared_psnr(qualities, fields)
    expected = 20 * math.log10(255) - 10 * math.log10(np.mean([one.rmse**2 for one in qualities]))
    assert counts == [16, 16, 16, 48]
    assert [one.psnr for one in reported] == pytest.approx([expected] * 4)
    assert psnr_of_components(sums, counts, entries) == pytest.approx(expected)
    plain = normalise(Field("t", ("", ""), np.arange(48.0).reshape(6, 8)))
    alone = psnr_of_components([48 * 4 * 10**-2.5], [48], [plain])
    assert alone == pytest.approx(25)
    both = psnr_of_components([*sums, 48 * 4 * 1e-9], [*counts, 48], [*entries, plain])
    assert both == pytest.approx(expected)


def test_a_mask_of_another_shape_is_refused() -> None:
    field = Field("t", ("y", "x"), np.ones((3, 4), "u1"), valid=np.ones((4, 3), bool))
    with pytest.raises(InvalidInputError, match="its mask is"):
        normalise(field)


@pytest.mark.torch
def test_a_shortfall_names_the_picture_not_a_channel(tmp_path: Path) -> None:
    path = save(tmp_path / "in.png", noise((*SHAPE, 3)))
    report = encode(path, psnr=60, arch="fvsrn")
    assert not report.goal_met
    assert "red+green+blue reached" in report.shortfall


def test_the_first_picture_of_an_mpo_file_is_the_photograph(tmp_path: Path) -> None:
    pixels = smooth(3)
    first, preview = Image.fromarray(pixels), Image.fromarray(pixels[::2, ::2])
    path = tmp_path / "phone.jpg"
    first.save(path, format="MPO", save_all=True, append_images=[preview], quality=95)
    found = stacked(formats.read(path, None))
    assert found.shape == pixels.shape
    assert np.abs(found.astype(int) - pixels).mean() < 8
