import dask.dataframe as dd
from sessions import FILES, dask_cluster, print_rows

if __name__ == "__main__":
    dask_cluster()
    orders = dd.read_csv(FILES[0], usecols=["customer", "cents"])
    joined = orders.merge(dd.read_csv(FILES[1]), on="customer")
    joined["sum"] = joined["cents"] * (100 - joined["discount"])
    sums = joined.groupby("region")["sum"].sum().compute()
    print_rows([region, int(value)] for region, value in sorted(sums.items()))
