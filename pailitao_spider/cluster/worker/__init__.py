"""One worker of a run: the pages it has leased, and its talk with Redis."""
