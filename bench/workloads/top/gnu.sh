shift
export LC_ALL=C
tail -q -n +2 "$@" | sort --parallel="$BENCH_THREADS" -S 50% -T "$BENCH_SCRATCH" -t , -k3,3nr |
  awk -F , '{ printf "[%d,%s]\n", $1, $3; if (++n == 1000) exit }'
