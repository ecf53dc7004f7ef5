"""One crawl: its session, its requests, which page is asked next."""
