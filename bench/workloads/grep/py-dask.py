import re

import dask.bag
from sessions import FILES, OUT, dask_bag

PATTERN = re.compile("(king|queen)s? of [A-Z]")

if __name__ == "__main__":
    dask_bag()
    lines = dask.bag.read_text(FILES, blocksize="16MiB", encoding="ascii")
    found = lines.filter(PATTERN.search).map(lambda line: line.rstrip("\n"))
    found.to_textfiles(f"{OUT}/*.txt", last_endline=True)
