"""The spider `pailitao`."""
