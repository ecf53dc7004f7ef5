"""A database that follows feeds: each line of theirs once, whatever is killed or goes away."""
