shift
export LC_ALL=C
cat "$@" | tr A-Z a-z | tr -cs a-z0-9 '\n' | sort --parallel="$BENCH_THREADS" -S 50% -T "$BENCH_SCRATCH" | uniq -c |
  sort -k1,1nr | awk '$2 != "" { printf "[\"%s\",%d]\n", $2, $1; if (++n == 1000) exit }'
