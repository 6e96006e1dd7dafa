import dask.dataframe as dd
from sessions import CASE, FILES, dask_cluster, print_rows

if __name__ == "__main__":
    dask_cluster()
    if CASE == "jsonl":
        rows = dd.read_json(FILES, lines=True, blocksize=64 << 20)
    else:
        rows = dd.read_csv(FILES, usecols=["key", "value"], dtype={"value": "float64"})
    most = rows.groupby("key")["value"].sum().nlargest(1000).compute()
    print_rows([key, round(value * 100)] for key, value in most.items())
