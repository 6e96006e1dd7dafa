export LC_ALL=C
mawk -F , '
  FNR == 1 { file++; next }
  file == 1 { region[$1] = $2; share[$1] = 100 - $3; next }
  $2 in region { sum[region[$2]] += $3 * share[$2] }
  END { for (name in sum) printf "[\"%s\",%.0f]\n", name, sum[name] }
' "$3" "$2" | sort
