"""Photos in, a trustworthy table of 1688 offers out."""

from pailitao_spider.addon import Addon
from pailitao_spider.image_search import ImageSearch

__all__ = ["Addon", "ImageSearch"]
