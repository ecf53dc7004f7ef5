"""What a crawl leaves on disk: feed lines, ledger and side files, merging, going on."""
