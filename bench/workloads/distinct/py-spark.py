from sessions import FILES, OUT, spark_session

spark_session().read.text(FILES).distinct().write.text(f"{OUT}/rows")
