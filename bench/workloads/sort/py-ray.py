import pyarrow.compute as pc
from pyarrow.csv import WriteOptions
from sessions import FILES, OUT, ray_data

if __name__ == "__main__":
    ray = ray_data()
    lines = ray.data.read_text(FILES).map_batches(
        lambda batch: batch.append_column("key", pc.utf8_slice_codeunits(batch["text"], 0, 10)),
        batch_format="pyarrow",
        batch_size=None,
    )
    lines.sort("key").drop_columns(["key"]).write_csv(
        OUT,
        arrow_csv_args_fn=lambda: {
            "write_options": WriteOptions(include_header=False, quoting_style="none")
        },
    )
    ray.shutdown()
