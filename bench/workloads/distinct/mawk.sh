out=$1
shift
LC_ALL=C exec mawk '!($0 in seen) { seen[$0]; print }' "$@" > "$out/distinct"
