from sessions import FILES, ray_data, ray_write_lines

if __name__ == "__main__":
    ray = ray_data()
    different = ray.data.read_text(FILES).groupby("text").count().select_columns(["text"])
    ray_write_lines(different)
    ray.shutdown()
