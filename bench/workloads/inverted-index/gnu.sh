# Pairs of word and number, sorted and each once, then brought together.
out=$1
shift
export LC_ALL=C
mawk -F '[^a-z0-9]+' '{ $0 = tolower($0); for (i = 2; i <= NF; i++) if ($i != "") print $i, $1 }' "$@" |
  sort --parallel="$BENCH_THREADS" -S 50% -T "$BENCH_SCRATCH" -u -k1,1 -k2,2n |
  mawk '
    $1 == word { printf " %s", $2; next }
    { printf "%s%s\t%s", (NR > 1 ? "\n" : ""), $1, $2; word = $1 }
    END { print "" }
  ' > "$out/index"
