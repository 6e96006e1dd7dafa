"""How the Python peers are started and print, as their documentation advises for one machine with two processors."""

import json
import logging
import os
import sys

THREADS = int(os.environ.get("BENCH_THREADS", "2"))
CASE = os.environ.get("BENCH_CASE", "")
MEMORY = os.environ.get("BENCH_MEMORY")
SCRATCH = os.environ.get("BENCH_SCRATCH", "/tmp")
MEMORY_DRIVER = "8g"

OUT, *FILES = sys.argv[1:]


def print_rows(rows):
    sys.stdout.write("".join(json.dumps(row) + "\n" for row in rows))


def dask_bag():
    """Bags hold Python objects, which processes work on in parallel: their default scheduler."""
    import dask

    dask.config.set(scheduler="processes", num_workers=THREADS)


def dask_cluster():
    """Data frames: the distributed scheduler, on one machine too."""
    from dask.distributed import Client, LocalCluster

    cluster = LocalCluster(
        n_workers=THREADS, threads_per_worker=1, dashboard_address=None, local_directory=SCRATCH
    )
    return Client(cluster)


def spark_session():
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master(f"local[{THREADS}]")
        .config("spark.driver.memory", MEMORY_DRIVER)
        .config("spark.ui.enabled", "false")
        .config("spark.local.dir", SCRATCH)
        # The default of 200 is for a cluster.
        .config("spark.sql.shuffle.partitions", str(4 * THREADS))
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    return session


def ray_data():
    import ray

    ray.init(
        num_cpus=THREADS, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR
    )
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    return ray


def text_options():
    """Made in the worker, as they cannot be sent to it."""
    from pyarrow.csv import WriteOptions

    return {"write_options": WriteOptions(include_header=False, delimiter="\x01", quoting_style="none")}


def ray_write_lines(dataset):
    """Writes the only column as lines of text; there is no writer for text."""
    dataset.write_csv(OUT, arrow_csv_args_fn=text_options)
