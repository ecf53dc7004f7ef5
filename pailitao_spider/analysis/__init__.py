"""Questions that people ask of what was crawled: offers in, answers out; no Scrapy, no network."""
