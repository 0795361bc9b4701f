"""Makes one upright page picture of a photo. In the child only."""

from io import BytesIO
from typing import Any

import pi_heif
from PIL import Image, UnidentifiedImageError

from bot.papers.shapes import LIMITS, Kind, Reason, Refusal, kind_of

QUALITY = 85  # small print on a card is still clean; higher only grows the file
_FORMATS = {Kind.JPEG: ("JPEG", "MPO"), Kind.PNG: ("PNG",), Kind.HEIC: ("HEIF",)}
# EXIF 2.32, 4.6.4.A: how the camera was held, and what that asks for
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# pixels are counted below, before anything is unpacked; Pillow would only warn
Image.MAX_IMAGE_PIXELS = None
# what is not the picture itself is not read; threads are not to be had
pi_heif.register_heif_opener(decode_threads=1, thumbnails=False, depth_images=False, aux_images=False)


def job(_words: dict[str, Any], blobs: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    picture = page(blobs[0])
    out = BytesIO()
    picture.save(out, "JPEG", quality=QUALITY, optimize=True)
    return {"width": picture.width, "height": picture.height}, [out.getvalue()]


def page(data: bytes) -> Image.Image:
    """→ RGB, upright, its long side at most LIMITS.long_pixels. Of several pictures, the first or main one."""
    kind = kind_of(data)
    if kind not in _FORMATS:
        raise Refusal(Reason.NOT_A_PAPER)
    try:
        with Image.open(BytesIO(data), formats=_FORMATS[kind]) as picture:
            _measure(*picture.size, LIMITS.jpeg_pixels if kind is Kind.JPEG else LIMITS.pixels)
            # a JPEG much too large is unpacked at half its size or less, in a fraction of the memory
            picture.draft(None, (LIMITS.long_pixels, LIMITS.long_pixels) if kind is Kind.JPEG else picture.size)
            return _upright(picture)
    except (UnidentifiedImageError, SyntaxError, OSError, ValueError, EOFError):
        raise Refusal(Reason.DAMAGED) from None


def _measure(width: int, height: int, most: int) -> None:
    if width * height > most:
        raise Refusal(Reason.TOO_MANY_PIXELS, width * height, most)
    if min(width, height) < LIMITS.short_pixels:
        raise Refusal(Reason.TOO_SMALL, min(width, height), LIMITS.short_pixels)


def _upright(picture: Image.Image) -> Image.Image:
    turn = _turn(picture)
    flat = _on_white(picture)
    flat.thumbnail((LIMITS.long_pixels, LIMITS.long_pixels), Image.Resampling.LANCZOS, reducing_gap=2.0)
    # a new picture: nothing that came with the old one (comments, profiles, EXIF) comes along
    page = Image.new("RGB", flat.size)
    page.paste(flat)
    return page if turn is None else page.transpose(turn)


def _turn(picture: Image.Image) -> Image.Transpose | None:
    try:
        return _TURNS.get(picture.getexif().get(0x0112, 1))
    except Exception:  # broken notes about a picture are no reason to refuse it; what they raise is anything
        return None


def _on_white(picture: Image.Image) -> Image.Image:
    """RGB. 16 bits of grey become 8 by their upper half, not by being cut off; what is transparent is white paper."""
    if picture.mode.startswith("I"):
        return picture.convert("I").point(lambda shade: shade * (1 / 256)).convert("L").convert("RGB")
    if picture.mode in ("LA", "PA", "RGBA", "RGBa", "La") or "transparency" in picture.info:
        layer = picture if picture.mode in ("LA", "RGBA") else picture.convert("RGBA")
        # smaller first: three of the largest side by side are more than the child may have
        if (times := max(layer.size) // LIMITS.long_pixels) > 1:
            layer = layer.reduce(times)
        layer = layer.convert("RGBA")
        paper = Image.new("RGB", layer.size, "white")
        paper.paste(layer, mask=layer.getchannel("A"))
        return paper
    return picture.convert("RGB")
