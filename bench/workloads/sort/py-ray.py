import pyarrow.compute as pc
from sessions import FILES, ray_data, ray_write_lines


def with_key(batch):
    return batch.append_column("key", pc.utf8_slice_codeunits(batch["text"], 0, 10))


if __name__ == "__main__":
    ray = ray_data()
    lines = ray.data.read_text(FILES).map_batches(with_key, batch_format="pyarrow", batch_size=None)
    ray_write_lines(lines.sort("key").drop_columns(["key"]))
    ray.shutdown()
