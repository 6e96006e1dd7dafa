from pyspark.sql import functions as f
from sessions import FILES, print_rows, spark_session

read = spark_session().read
orders = read.schema("order BIGINT, customer STRING, cents BIGINT").csv(FILES[0], header=True)
customers = read.schema("customer STRING, region STRING, discount INT").csv(FILES[1], header=True)
joined = orders.join(customers, "customer")
sums = joined.groupBy("region").agg(f.sum(f.expr("cents * (100 - discount)")).alias("sum"))
print_rows([row["region"], row["sum"]] for row in sums.orderBy("region").collect())
