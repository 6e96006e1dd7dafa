from pyspark.sql import functions as f
from sessions import CASE, FILES, print_rows, spark_session

read = spark_session().read
if CASE == "jsonl":
    rows = read.schema("key STRING, value DOUBLE").json(FILES)
else:
    rows = read.schema("id BIGINT, key STRING, value DOUBLE").csv(FILES, header=True)
most = rows.groupBy("key").agg(f.sum("value").alias("sum")).orderBy(f.desc("sum")).limit(1000)
print_rows([row["key"], round(row["sum"] * 100)] for row in most.collect())
