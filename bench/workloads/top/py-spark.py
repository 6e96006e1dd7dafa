from pyspark.sql import functions as f
from sessions import FILES, print_rows, spark_session

rows = spark_session().read.schema("id BIGINT, key STRING, value DOUBLE").csv(FILES, header=True)
most = rows.select("id", "value").orderBy(f.desc("value")).limit(1000)
print_rows([row["id"], row["value"]] for row in most.collect())
