"""What `scrapy pailitao doctor` looks at: settings, seeds, signatures, each key at its gateway."""
