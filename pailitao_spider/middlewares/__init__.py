"""Downloader and spider middlewares: signing, answers, and when a page is through."""
