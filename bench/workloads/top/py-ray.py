from pyarrow.csv import ConvertOptions
from sessions import FILES, print_rows, ray_data

if __name__ == "__main__":
    ray = ray_data()
    options = ConvertOptions(include_columns=["id", "value"])
    rows = ray.data.read_csv(FILES, convert_options=options)
    most = rows.sort("value", descending=True).limit(1000)
    print_rows([row["id"], row["value"]] for row in most.take_all())
    ray.shutdown()
