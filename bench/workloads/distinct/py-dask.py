import dask.bag
from sessions import FILES, OUT, dask_bag

if __name__ == "__main__":
    dask_bag()
    lines = dask.bag.read_text(FILES, blocksize="16MiB", encoding="ascii")
    different = lines.map(lambda line: line.rstrip("\n")).distinct()
    different.to_textfiles(f"{OUT}/*.txt", last_endline=True)
