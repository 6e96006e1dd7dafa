out=$1
shift
LC_ALL=C exec sort -u --parallel="$BENCH_THREADS" -S 50% -T "$BENCH_SCRATCH" -o "$out/distinct" "$@"
