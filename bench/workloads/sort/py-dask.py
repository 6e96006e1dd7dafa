import dask.dataframe as dd
from sessions import FILES, OUT, dask_cluster


def write(part, partition_info=None):
    number = partition_info["number"] if partition_info else 0
    with open(f"{OUT}/{number:05}", "w", encoding="ascii") as file:
        for line in part["line"]:
            file.write(line + "\n")
    return part["key"].count()


if __name__ == "__main__":
    dask_cluster()
    lines = dd.read_csv(FILES, sep="\x01", names=["line"], header=None, quoting=3)
    lines["key"] = lines["line"].str.slice(0, 10)
    lines.sort_values("key").map_partitions(write, meta=("key", "int64")).compute()
