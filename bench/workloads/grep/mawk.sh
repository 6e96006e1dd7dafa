out=$1
shift
LC_ALL=C exec mawk '/(king|queen)s? of [A-Z]/' "$@" > "$out/found"
