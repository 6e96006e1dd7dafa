# By bytes, the first ten only, on all threads; with a budget, in that and no more.
out=$1
shift
# In units of sort, whose M is 2^20 bytes.
memory=${BENCH_MEMORY:+${BENCH_MEMORY%B}}
memory=${memory:-50%}
LC_ALL=C exec sort --parallel="$BENCH_THREADS" -S "$memory" -T "$BENCH_SCRATCH" -k1.1,1.10 -s \
  -o "$out/sorted" "$@"
