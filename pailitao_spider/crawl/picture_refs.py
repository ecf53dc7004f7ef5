"""Seeds' images to what a call names, and back."""

from __future__ import annotations

from pathlib import Path

from pailitao_spider.gateways.calls import PictureRef
from pailitao_spider.seeds.model import Base64Image, FileImage, Image, StoredImage

__all__ = ["image_of", "picture_of"]


def picture_of(image: Image, sha256: str | None = None) -> PictureRef:
    """The picture of a seed; `sha256` of its bytes where they are known."""
    if isinstance(image, FileImage):
        return PictureRef(path=str(image.path), sha256=sha256)
    if isinstance(image, Base64Image):
        return PictureRef(base64=image.text, sha256=sha256)
    if isinstance(image, StoredImage):
        return PictureRef(sha256=image.sha256)
    return PictureRef(url=image.url)


def image_of(picture: PictureRef) -> FileImage | Base64Image:
    """The picture on this machine that a call names."""
    if picture.path is not None:
        return FileImage(Path(picture.path))
    return Base64Image(picture.base64 or "", picture.key)
