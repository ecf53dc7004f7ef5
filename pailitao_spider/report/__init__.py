"""The report: offers, photos and totals of a feed as one page that needs no network."""
