"""The verbs of `scrapy pailitao`, a module each: `add_options(parser)` and `run(options)`."""
