from pyspark.sql import functions as f
from sessions import FILES, OUT, spark_session

docs = spark_session().read.schema("id INT, text STRING").csv(FILES, sep="\t", quote="")
words = docs.select("id", f.explode(f.split(f.lower("text"), "[^a-z0-9]+")).alias("word"))
index = words.where("word != ''").groupBy("word").agg(f.array_sort(f.collect_set("id")).alias("ids"))
index.select(f.concat_ws("\t", "word", f.array_join("ids", " "))).write.text(f"{OUT}/rows")
