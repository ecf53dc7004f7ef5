"""`python -m pailitao_spider` is `pailitao`."""

from pailitao_spider.cli.main import main

if __name__ == "__main__":
    main()
