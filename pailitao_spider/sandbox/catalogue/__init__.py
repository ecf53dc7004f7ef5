"""What the sandbox sells: drawn products, offers, rough rows."""
