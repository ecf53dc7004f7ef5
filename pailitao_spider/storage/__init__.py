"""Files that are there as a whole or not at all, and databases that are gone with their process."""
