"""Other ways to fetch the same pages, to be measured beside this project."""
