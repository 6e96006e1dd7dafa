from pyspark.sql import functions as f
from sessions import FILES, OUT, spark_session

lines = spark_session().read.text(FILES)
lines.orderBy(f.substring("value", 1, 10)).write.text(f"{OUT}/rows")
