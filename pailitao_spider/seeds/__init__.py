"""Seeds: the record, and the sources that they are read from."""
