"""Scrapy commands: `scrapy crawl` with checks before and an exit code after, `scrapy pailitao`."""
