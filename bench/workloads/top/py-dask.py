import dask.dataframe as dd
from sessions import FILES, dask_cluster, print_rows

if __name__ == "__main__":
    dask_cluster()
    rows = dd.read_csv(FILES, usecols=["id", "value"], dtype={"value": "float64"})
    most = rows.nlargest(1000, "value").compute()
    print_rows([int(id), value] for id, value in zip(most["id"], most["value"]))
