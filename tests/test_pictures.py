from __future__ import annotations

import base64
import functools
import hashlib
import io
import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pailitao_spider.errors import PictureError
from pailitao_spider.pictures import Picture, PictureLimits, formats, prepare
from pailitao_spider.pictures.orientation import TRANSPOSED
from pailitao_spider.seeds.image_bytes import decode_base64, load, read_file
from pailitao_spider.seeds.model import Base64Image, FileImage

LIMITS = PictureLimits(bytes=2_000_000, side_pixels=2000, formats=frozenset({"JPEG", "PNG"}))
SMALL = PictureLimits(bytes=2_000_000, side_pixels=40, formats=LIMITS.formats)
ORIENTATION = 0x0112


def encoded(image: Image.Image, name: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, name, **options)
    return stream.getvalue()


def halves(width: int = 60, height: int = 40) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", (width, height), "red")
    image.paste("blue", (width // 2, 0, width, height))
    return image


def noise(side: int) -> Image.Image:
    return Image.frombytes("RGB", (side, side), os.urandom(3 * side * side))


def opened(picture: Picture) -> Image.Image:
    image = Image.open(io.BytesIO(picture.data))
    image.load()
    assert (image.format, image.size) == (picture.format, (picture.width, picture.height))
    return image


def is_near(pixel: Any, expected: tuple[int, int, int]) -> bool:
    return all(abs(a - b) < 40 for a, b in zip(pixel, expected, strict=True))


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + body


def jpeg_header(width: int, height: int) -> bytes:
    raw = bytearray(encoded(halves(), "JPEG"))
    at = raw.index(b"\xff\xc0") + 5
    raw[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(raw)


def code_of(raw: bytes, limits: PictureLimits = LIMITS) -> str:
    with pytest.raises(PictureError) as caught:
        prepare(raw, limits)
    assert str(caught.value).isprintable()
    return caught.value.code


@pytest.mark.parametrize("name", ["JPEG", "PNG"])
def test_a_picture_within_the_limits_is_sent_untouched(name: str) -> None:
    raw = encoded(halves(), name)
    assert prepare(raw, LIMITS) == Picture(raw, hashlib.sha256(raw).hexdigest(), name, 60, 40)


@pytest.mark.parametrize("name", ["WEBP", "BMP", "GIF", "TIFF", "AVIF", "MPO", "PNG", "JPEG"])
def test_every_known_format_becomes_a_jpeg_that_fits(name: str) -> None:
    raw = encoded(halves(), name)
    picture = prepare(raw, SMALL)
    image = opened(picture).convert("RGB")
    assert (image.size, picture.format) == ((40, 27), "JPEG")
    assert picture.sha256 == hashlib.sha256(raw).hexdigest()
    assert is_near(image.getpixel((3, 13)), (255, 0, 0))
    assert is_near(image.getpixel((36, 13)), (0, 0, 255))


MODES = [
    "1",
    "L",
    "LA",
    "P",
    "PA",
    "RGB",
    "RGBA",
    "CMYK",
    "YCbCr",
    "I",
    "I;16",
    "I;16B",
    "F",
    "LAB",
]


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_can_be_sent(mode: str) -> None:
    raw = encoded(Image.new(mode, (60, 40)), "TIFF")
    assert opened(prepare(raw, LIMITS)).mode in {"L", "RGB"}


@pytest.mark.parametrize("mode", ["LA", "RGBA", "PA"])
def test_what_is_transparent_becomes_white(mode: str) -> None:
    raw = encoded(Image.new("RGBA", (60, 60), (0, 0, 0, 0)).convert(mode), "TIFF")
    image = opened(prepare(raw, LIMITS)).convert("RGB")
    assert is_near(image.getpixel((30, 30)), (255, 255, 255))


def test_a_transparent_colour_of_a_palette_becomes_white() -> None:
    raw = encoded(Image.new("P", (60, 60), 0), "PNG", transparency=0)
    image = opened(prepare(raw, SMALL)).convert("RGB")
    assert is_near(image.getpixel((20, 20)), (255, 255, 255))


def test_deep_grey_keeps_its_brightness() -> None:
    raw = encoded(Image.new("I;16", (60, 60), 32768), "PNG")
    assert abs(opened(prepare(raw, SMALL)).getpixel((20, 20)) - 128) < 4


@pytest.mark.parametrize("name", ["JPEG", "WEBP", "PNG", "TIFF", "AVIF"])
def test_a_photo_on_its_side_is_turned_upright(name: str) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    picture = prepare(encoded(halves(), name, exif=exif), LIMITS)
    image = opened(picture).convert("RGB")
    assert image.size == (40, 60)
    assert is_near(image.getpixel((20, 5)), (255, 0, 0))
    assert is_near(image.getpixel((20, 55)), (0, 0, 255))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_orientation_ends_as_pillow_turns_it(orientation: int) -> None:
    source = Image.radial_gradient("L").crop((0, 0, 120, 80))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    raw = encoded(source, "PNG", exif=exif)
    expected = source if orientation == 1 else source.transpose(TRANSPOSED[orientation])
    found = opened(prepare(raw, LIMITS))
    assert found.size == expected.size
    assert all(
        abs(found.getpixel(at) - expected.getpixel(at)) < 8 for at in [(0, 0), (60, 5), (5, 60)]
    )


def test_a_damaged_exif_block_does_not_harm_the_picture() -> None:
    raw = encoded(halves(), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01")
    assert prepare(raw, LIMITS).data == raw


def test_of_an_animation_the_first_frame_is_taken() -> None:
    frames = [Image.new("RGB", (60, 40), colour) for colour in ("red", "blue")]
    raw = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert is_near(opened(prepare(raw, LIMITS)).getpixel((5, 5)), (255, 0, 0))


def test_a_heavy_picture_is_pressed_until_it_fits() -> None:
    limits = PictureLimits(bytes=20_000, side_pixels=2000, formats=LIMITS.formats)
    picture = prepare(encoded(noise(400), "PNG"), limits)
    assert len(picture.data) <= 20_000
    assert opened(picture).width > 100


def test_a_picture_that_never_fits_is_refused() -> None:
    limits = PictureLimits(bytes=100, side_pixels=2000, formats=LIMITS.formats)
    assert code_of(encoded(noise(64), "PNG"), limits) == "too_many_bytes"


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (66_000, 10)], ids=str)
def test_odd_sizes_pass(size: tuple[int, int]) -> None:
    picture = prepare(encoded(Image.new("RGB", size), "PNG"), LIMITS)
    assert max(picture.width, picture.height) <= 2000


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(png_header(20_000, 10_000), id="png 200 megapixels"),
        pytest.param(png_header(10_000, 9_000), id="png that Pillow would warn of"),
        pytest.param(png_header(2**31 - 1, 2**31 - 1), id="png of the largest size"),
        pytest.param(jpeg_header(20_000, 10_000), id="jpeg 200 megapixels"),
    ],
)
def test_a_bomb_is_refused_by_its_header(raw: bytes) -> None:
    with ThreadPoolExecutor(1) as worker:
        assert worker.submit(code_of, raw).result() == "too_many_pixels"


REFUSED = {
    "html": (b"<!DOCTYPE html><p>404", "not_a_picture"),
    "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not_a_picture"),
    "pdf": (b"%PDF-1.7", "not_a_picture"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not_a_picture"),
    "ico": (encoded(halves(), "ICO"), "not_a_picture"),
    "empty": (b"", "empty_file"),
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99), "unsupported_picture"),
    "zero wide": (png_header(0, 5), "truncated_picture"),
    "no pixels": (png_header(50, 50), "truncated_picture"),
    "51 MB": (encoded(halves(), "PNG") + bytes(51_000_000), "too_many_bytes"),
}


@pytest.mark.parametrize(("raw", "code"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_sent_is_refused_with_its_code(raw: bytes, code: str) -> None:
    assert code_of(raw) == code


def deep() -> Image.Image:
    row = struct.pack("<60H", *(1000,) * 30, *(65535,) * 30)
    return Image.frombytes("I;16", (60, 40), row * 40)


def palette_with_alpha() -> Image.Image:
    image = Image.new("RGBA", (60, 40), (0, 0, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 30, 40))
    return image.quantize(8)


def two_frames(name: str) -> bytes:
    other = Image.new("RGB", (60, 40), "green")
    return encoded(halves(), name, save_all=True, append_images=[other])


UNUSUAL = {
    "16-bit grey": (encoded(deep(), "PNG"), (4, 4, 4), (255, 255, 255)),
    "CMYK, seahub#5918": (encoded(halves().convert("CMYK"), "JPEG"), (255, 0, 0), (0, 0, 255)),
    "palette with alpha, compressorjs#26": (
        encoded(palette_with_alpha(), "PNG"), (255, 0, 0), (255, 255, 255),
    ),
    "animated PNG": (two_frames("PNG"), (255, 0, 0), (0, 0, 255)),
    "animated GIF": (two_frames("GIF"), (255, 0, 0), (0, 0, 255)),
    "animated WebP": (two_frames("WEBP"), (255, 0, 0), (0, 0, 255)),
}  # fmt: skip


@pytest.mark.parametrize("name", UNUSUAL)
def test_what_not_every_gateway_reads_goes_out_as_a_plain_jpeg(name: str) -> None:
    raw, left, right = UNUSUAL[name]
    every = PictureLimits(2_000_000, 2000, frozenset({"JPEG", "PNG", "GIF", "WEBP"}))
    picture = prepare(raw, every)
    assert picture.format == "JPEG"
    image = opened(picture).convert("RGB")
    assert is_near(image.getpixel((8, 20)), left)
    assert is_near(image.getpixel((52, 20)), right)


@pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=["baseline", "progressive"])
def test_a_jpeg_without_its_last_bytes_is_mended_pillow_889(options: dict[str, Any]) -> None:
    raw = encoded(noise(300), "JPEG", quality=90, **options)
    for lost in (1, 2, 10):
        picture = prepare(raw[:-lost], LIMITS)
        assert (picture.width, picture.height) == (300, 300)
        assert picture.data.endswith(b"\xff\xd9")
    assert code_of(raw[: len(raw) // 4]) == "truncated_picture"


def test_a_picture_of_an_iphone_is_read_docker_icloudpd_97() -> None:
    import pillow_heif

    stream = io.BytesIO()
    pillow_heif.from_pillow(halves(128, 64)).save(stream, quality=90)
    picture = prepare(stream.getvalue(), LIMITS)
    assert (picture.format, picture.width, picture.height) == ("JPEG", 128, 64)
    assert is_near(opened(picture).getpixel((20, 20)), (255, 0, 0))


def test_without_its_library_heic_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    with pytest.raises(PictureError, match="pip install pillow-heif"):
        prepare(REFUSED["heic"][0], LIMITS)


def test_a_cameras_raw_file_is_not_searched_by_its_thumbnail() -> None:
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    tags = ImageFileDirectory_v2()
    tags[0x00FE] = 1
    raw = encoded(halves(), "TIFF", tiffinfo=tags)
    assert code_of(raw) == "unsupported_picture"


@functools.cache
def samples() -> list[bytes]:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    image = halves().convert("RGBA")
    plain = [encoded(halves(), "JPEG", exif=exif), encoded(halves(), "JPEG", progressive=True)]
    return plain + [encoded(image, name) for name in ("PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF")]


@pytest.mark.parametrize("index", [0, 1, 2, 3, 4, 6, 7])
def test_half_a_picture_is_refused(index: int) -> None:
    raw = samples()[index]
    assert code_of(raw[: len(raw) // 2]) == "truncated_picture"


@given(st.data())
def test_damaged_bytes_raise_nothing_but_picture_error(data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from(samples())))
    for _ in range(data.draw(st.integers(0, 6))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] = data.draw(st.integers(0, 255))
    end = data.draw(st.just(len(raw)) | st.integers(0, len(raw)))
    try:
        picture = prepare(bytes(raw[:end]), SMALL)
    except PictureError:
        return
    assert max(picture.width, picture.height) <= 40


@given(st.binary(max_size=200), st.sampled_from([b"", b"\xff\xd8\xff", b"GIF89a", b"II*\0", b"BM"]))
def test_any_bytes_raise_nothing_but_picture_error(tail: bytes, head: bytes) -> None:
    with pytest.raises(PictureError):
        prepare(head + tail, LIMITS)


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(halves(), "PNG"))
    assert load(FileImage(path)) == path.read_bytes()


def read_code(path: Path) -> str:
    with pytest.raises(PictureError) as caught:
        read_file(path)
    return caught.value.code


def test_what_is_no_readable_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").touch()
    with (tmp_path / "big").open("wb") as stream:
        stream.truncate(50_000_001)
    codes = {
        name: read_code(tmp_path / name) for name in ("gone", ".", "pipe", "a\0", "empty", "big")
    }
    unreadable = dict.fromkeys(("gone", ".", "pipe", "a\0"), "unreadable_file")
    assert codes == unreadable | {"empty": "empty_file", "big": "too_many_bytes"}


def test_base64_is_read_with_its_line_breaks() -> None:
    raw = encoded(halves(), "PNG")
    text = base64.encodebytes(raw).decode()
    assert load(Base64Image(text, "base64:x")) == raw


@pytest.mark.parametrize(
    ("text", "code"),
    [("a", "bad_base64"), ("a-_=", "bad_base64"), ("图", "bad_base64"), ("", "empty_file")],
)
def test_what_is_no_base64_is_refused(text: str, code: str) -> None:
    with pytest.raises(PictureError) as caught:
        decode_base64(text)
    assert caught.value.code == code
