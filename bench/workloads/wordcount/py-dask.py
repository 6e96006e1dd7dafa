import re

import dask.bag
from sessions import FILES, dask_bag, print_rows

WORD = re.compile("[a-z0-9]+")

if __name__ == "__main__":
    dask_bag()
    lines = dask.bag.read_text(FILES, blocksize="16MiB", encoding="ascii")
    words = lines.map(lambda line: WORD.findall(line.lower())).flatten()
    print_rows(words.frequencies().topk(1000, key=1).compute())
