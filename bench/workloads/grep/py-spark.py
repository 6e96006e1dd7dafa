from sessions import FILES, OUT, spark_session

lines = spark_session().read.text(FILES)
lines.where(lines["value"].rlike("(king|queen)s? of [A-Z]")).write.text(f"{OUT}/rows")
