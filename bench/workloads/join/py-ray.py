import pyarrow as pa
import pyarrow.compute as pc
from sessions import FILES, THREADS, print_rows, ray_data


def with_sum(batch):
    return pa.table(
        {
            "region": batch["region"],
            "sum": pc.multiply(batch["cents"], pc.subtract(100, batch["discount"])),
        }
    )


if __name__ == "__main__":
    ray = ray_data()
    orders = ray.data.read_csv(FILES[0]).select_columns(["customer", "cents"])
    customers = ray.data.read_csv(FILES[1])
    joined = orders.join(customers, "inner", num_partitions=2 * THREADS, on=("customer",))
    sums = joined.map_batches(with_sum, batch_format="pyarrow").groupby("region").sum("sum")
    print_rows([row["region"], row["sum(sum)"]] for row in sums.sort("region").take_all())
    ray.shutdown()
