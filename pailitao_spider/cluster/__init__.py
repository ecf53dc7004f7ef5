"""One run on many machines: the queue, the books and the quota in Redis, on top of scrapy-redis."""
