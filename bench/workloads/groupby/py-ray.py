from sessions import CASE, FILES, print_rows, ray_data

if __name__ == "__main__":
    ray = ray_data()
    if CASE == "jsonl":
        rows = ray.data.read_json(FILES, lines=True).select_columns(["key", "value"])
    else:
        from pyarrow.csv import ConvertOptions

        rows = ray.data.read_csv(FILES, convert_options=ConvertOptions(include_columns=["key", "value"]))
    most = rows.groupby("key").sum("value").sort("sum(value)", descending=True).limit(1000)
    print_rows([row["key"], round(row["sum(value)"] * 100)] for row in most.take_all())
    ray.shutdown()
