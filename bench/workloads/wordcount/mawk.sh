shift
export LC_ALL=C
mawk -F '[^a-z0-9]+' '
  { $0 = tolower($0); for (i = 1; i <= NF; i++) if ($i != "") count[$i]++ }
  END { for (word in count) print count[word], word }
' "$@" | sort -k1,1nr | mawk 'NR <= 1000 { printf "[\"%s\",%s]\n", $2, $1 }'
