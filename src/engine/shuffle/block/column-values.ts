import { unreachable } from "../../../base/assert.ts";
import type { Column } from "./column.ts";
import { numbersToArray } from "./number-column.ts";
import { columnStrings } from "./text-decode.ts";

/** A value for each row. Strings may be slices of a text of several. */
export function columnValues(column: Column): readonly unknown[] {
  switch (column.kind) {
    case "text":
      return columnStrings(column, false);
    case "numbers":
      return numbersToArray(column.numbers);
    case "dictionary":
      return Array.from(column.codes, (code) => column.entries[code]);
    case "values":
      return column.values;
    default:
      return unreachable(column);
  }
}
