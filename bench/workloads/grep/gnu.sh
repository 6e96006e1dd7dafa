out=$1
shift
LC_ALL=C exec grep -hE '(king|queen)s? of [A-Z]' "$@" > "$out/found"
