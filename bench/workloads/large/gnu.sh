out=$1
shift
export LC_ALL=C
options="--parallel=$BENCH_THREADS -S ${BENCH_MEMORY%B} -T $BENCH_SCRATCH"
if [ "$BENCH_CASE" = count ]; then
  sort $options -u "$@" | wc -l | awk '{ printf "[%d]\n", $1 }'
else
  exec sort $options -k1.1,1.10 -s -o "$out/sorted" "$@"
fi
