import pyarrow as pa
import pyarrow.compute as pc
from sessions import FILES, print_rows, ray_data


def count_words(batch):
    words = pc.list_flatten(pc.split_pattern_regex(pc.ascii_lower(batch["text"]), "[^a-z0-9]+"))
    counts = pa.chunked_array(words).filter(pc.not_equal(words, "")).value_counts()
    return pa.table({"word": counts.field("values"), "n": counts.field("counts")})


if __name__ == "__main__":
    ray = ray_data()
    counts = ray.data.read_text(FILES).map_batches(count_words, batch_format="pyarrow", batch_size=None)
    most = counts.groupby("word").sum("n").sort("sum(n)", descending=True).limit(1000)
    print_rows([row["word"], row["sum(n)"]] for row in most.take_all())
    ray.shutdown()
