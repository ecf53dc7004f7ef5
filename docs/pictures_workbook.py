"""The workbook and the paper of a report as pictures: `make pictures` takes them of the demo's."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["main"]

HERE = Path(__file__).parent


def main(book: Path, folder: Path) -> None:
    """The first page as LibreOffice prints it."""
    for program in ("soffice", "pdftoppm"):
        if shutil.which(program) is None:
            sys.exit(f"no {program}; install LibreOffice and poppler-utils")
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run(
            ["soffice", f"-env:UserInstallation=file://{scratch}/office", "--headless",
             "--convert-to", "pdf", "--outdir", scratch, str(book)],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        pdf = Path(scratch, book.with_suffix(".pdf").name)
        subprocess.run(
            ["pdftoppm", "-r", "80", "-png", "-singlefile", str(pdf), str(folder / "workbook")],
            check=True,
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else HERE / "pictures")
