import pyarrow.compute as pc
from sessions import FILES, ray_data, ray_write_lines


def matching(batch):
    return batch.filter(pc.match_substring_regex(batch["text"], "(king|queen)s? of [A-Z]"))


if __name__ == "__main__":
    ray = ray_data()
    lines = ray.data.read_text(FILES)
    ray_write_lines(lines.map_batches(matching, batch_format="pyarrow", batch_size=None))
    ray.shutdown()
