from pyspark.sql import functions as f
from sessions import FILES, print_rows, spark_session

words = (
    spark_session()
    .read.text(FILES)
    .select(f.explode(f.split(f.lower("value"), "[^a-z0-9]+")).alias("word"))
    .where("word != ''")
)
most = words.groupBy("word").count().orderBy(f.desc("count")).limit(1000)
print_rows([row["word"], row["count"]] for row in most.collect())
