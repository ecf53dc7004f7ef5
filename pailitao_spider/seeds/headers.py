"""Which column of a table holds the pictures: by the names that people and shops give it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

__all__ = ["id_places", "image_places", "is_named_image", "key_of"]

# What stands around a title: a mark for "required", a remark in brackets.
_REMARK = re.compile(r"[(（\[【].*?[)）\]】]")
_AROUND = re.compile(r"[^\w]+|_+")

# In this order: the first one that a table has is taken, addresses before pasted pictures.
_IMAGE = """
    image imageurl imageaddress imagelink imagesrc imgurl imgsrc imglink pictureurl picurl
    photourl mainimageurl productimageurl 图片链接 图片地址 图片url 图片网址 主图链接 主图地址
    主图url 商品图片链接 产品图片链接 图链接 圖片連結 圖片網址 imagefile imagepath imagefilename
    图片路径 图片文件 图片文件名 图片名 图片名称 images img imgs mainimage baseimage
    productimage productimages itemimage variantimage featuredimage coverimage picture pictures
    pic pics photo photos photograph mainpicture mainphoto productphoto productpicture 主图 图片
    商品主图 商品图片 产品图片 产品主图 商品图 产品图 款式图 样品图 样图 实物图 参考图 缩略图
    照片 相片 图 圖片 主圖 商品圖片 產品圖片 相片檔 画像 画像url 商品画像 写真 사진 이미지 foto
    fotos imagen imagem bild bilder фото изображение картинка ảnh hìnhảnh thumbnail 首图 首圖
    封面图
""".split()
_RANK = {name: rank for rank, name in enumerate(_IMAGE)}
# For the name of a pasted picture, which has no file name; the column stays among the others.
_ID = """
    id sku skuid skucode itemno itemnumber itemcode itemid productid productcode articleno
    article partno code model 货号 款号 编号 编码 商品编号 商品编码 商品id 产品编号 产品编码
    产品货号 商品货号 型号 條碼 貨號 編號 款號 型號 品番
""".split()
_ID_RANK = {name: rank for rank, name in enumerate(_ID)}


def key_of(title: Any) -> str:
    """A title to compare: no case, spaces, signs, invisible characters or remarks in brackets."""
    text = unicodedata.normalize("NFKC", str(title)).casefold()
    plain = "".join(each for each in text if unicodedata.category(each) != "Cf")
    return _AROUND.sub("", _REMARK.sub("", plain)) or _AROUND.sub("", plain)


def is_named_image(title: Any) -> bool:
    return key_of(title) in _RANK


def image_places(header: Sequence[Any]) -> list[int]:
    """The columns of pictures, the one to be taken first at the beginning."""
    return _ranked(header, _RANK)


def id_places(header: Sequence[Any]) -> list[int]:
    """Columns that name a row, the likeliest first."""
    return _ranked(header, _ID_RANK)


def _ranked(header: Sequence[Any], ranks: dict[str, int]) -> list[int]:
    keys = [key_of(title) for title in header]
    found = [place for place, key in enumerate(keys) if key in ranks]
    return sorted(found, key=lambda place: (ranks[keys[place]], place))
