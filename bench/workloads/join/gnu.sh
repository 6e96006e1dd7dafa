# Both sorted by the customer, then joined.
export LC_ALL=C
options="--parallel=$BENCH_THREADS -S 40% -T $BENCH_SCRATCH -t ,"
tail -n +2 "$3" | sort $options -k1,1 > "$BENCH_SCRATCH/customers"
tail -n +2 "$2" | sort $options -k2,2 | join -t , -1 2 -2 1 -o 1.3,2.2,2.3 - "$BENCH_SCRATCH/customers" |
  awk -F , '{ sum[$2] += $1 * (100 - $3) } END { for (region in sum) printf "[\"%s\",%.0f]\n", region, sum[region] }' |
  sort
