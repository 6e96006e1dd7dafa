import re

import dask.bag
from sessions import FILES, OUT, dask_bag

WORD = re.compile("[a-z0-9]+")


def postings(line):
    number, text = line.split("\t")
    return [(word, int(number)) for word in set(WORD.findall(text.lower()))]


def with_posting(ids, posting):
    return [*ids, posting[1]] if not ids else ids.append(posting[1]) or ids


if __name__ == "__main__":
    dask_bag()
    lines = dask.bag.read_text(FILES, blocksize="16MiB", encoding="ascii")
    pairs = lines.map(postings).flatten()
    index = pairs.foldby(lambda pair: pair[0], with_posting, [], lambda a, b: a + b, [])
    text = index.map(lambda entry: f"{entry[0]}\t{' '.join(map(str, sorted(entry[1])))}")
    text.to_textfiles(f"{OUT}/*.txt", last_endline=True)
