/** Rows as an aligned table: what fits the terminal, and a word about what does not. */
import type { Cell } from "./cell.ts";
import { cellOf } from "./cell.ts";
import { escapeText } from "./escape.ts";
import { counted } from "./quantity.ts";
import { displayWidth, padToWidth, truncateToWidth } from "./width.ts";

export interface TableOptions {
  /** Cells a line may take; undefined: as many as it needs. */
  readonly columns: number | undefined;
  /** Rows shown; the others are counted. */
  readonly rowsMax: number;
  readonly dim?: (text: string) => string;
}

const GAP = "  ";
/** A column is not squeezed below this to make room; what is left over is left out, and said. */
const COLUMN_WIDTH_MIN = 6;
/** Columns considered at all: beyond this a table is no help to anyone. */
const COLUMNS_MAX = 50;

/** A table's columns: their titles (none for rows that are plain values) and how to get at their values. */
interface Columns {
  readonly titles: readonly string[] | undefined;
  readonly count: number;
  readonly valueAt: (row: unknown, column: number) => unknown;
  readonly leftOut: number;
}

/** Lines without a final line break. Empty for no rows. */
export function renderTable(rows: readonly unknown[], options: TableOptions): string[] {
  const shown = rows.slice(0, options.rowsMax);
  if (shown.length === 0) return [];
  const columns = columnsOf(shown);
  const cells = shown.map((row) =>
    Array.from({ length: columns.count }, (_, column) => cellOf(columns.valueAt(row, column))),
  );
  const { lines, columnsShown } = layOut(columns.titles, cells, options);
  const notes: string[] = [];
  if (rows.length > shown.length) {
    notes.push(`… and ${counted(rows.length - shown.length, "row")} more (use --json or write())`);
  }
  const columnsLeft = columns.leftOut + columns.count - columnsShown;
  if (columnsLeft > 0) notes.push(`… and ${counted(columnsLeft, "column")} more (use --json)`);
  const dim = options.dim ?? ((text: string) => text);
  return [...lines, ...notes.map(dim)];
}

/** A table whose titles and cells are known, as for a list of jobs. */
export function renderCells(
  titles: readonly string[],
  rows: readonly (readonly Cell[])[],
  options: Omit<TableOptions, "rowsMax">,
): string[] {
  return layOut(titles, rows, options).lines;
}

function layOut(
  titles: readonly string[] | undefined,
  rows: readonly (readonly Cell[])[],
  options: Omit<TableOptions, "rowsMax">,
): { readonly lines: string[]; readonly columnsShown: number } {
  const count = titles?.length ?? rows[0]?.length ?? 0;
  const natural = Array.from({ length: count }, (_, column) =>
    rows.reduce(
      (width, row) => Math.max(width, displayWidth(row[column]?.text ?? "")),
      displayWidth(titles?.[column] ?? ""),
    ),
  );
  const aligns = natural.map((_, column) => alignOf(rows, column));
  const widths = squeeze(natural, aligns, options.columns);
  const line = (texts: readonly string[]): string =>
    widths
      .map((width, column) => {
        const text = truncateToWidth(texts[column] ?? "", width);
        return padToWidth(text, width, aligns[column] === "right" ? "right" : "left");
      })
      .join(GAP)
      .trimEnd();
  const lines = rows.map((row) => line(row.map((cell) => cell.text)));
  const columnsShown = widths.length;
  if (titles === undefined) return { lines, columnsShown };
  const dim = options.dim ?? ((text: string) => text);
  return { lines: [dim(line(titles)), ...lines], columnsShown };
}

/** A column of numbers (and gaps) is set to the right. */
function alignOf(rows: readonly (readonly Cell[])[], column: number): "left" | "right" {
  let seen = false;
  for (const row of rows) {
    const cell = row[column];
    if (cell === undefined || cell.text === "") continue;
    if (cell.align === "left") return "left";
    seen = true;
  }
  return seen ? "right" : "left";
}

/**
 * Takes cells from the widest columns of text until all fit, then drops columns from the right. A number is never
 * cut: half of one says something wrong.
 */
function squeeze(
  natural: readonly number[],
  aligns: readonly string[],
  columns: number | undefined,
): number[] {
  const widths = [...natural];
  if (columns === undefined) return widths;
  const total = (): number => widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1));
  while (widths.length > 1 && total() > columns) {
    const texts = widths.filter((_, column) => aligns[column] === "left");
    const widest = Math.max(0, ...texts);
    if (widest <= COLUMN_WIDTH_MIN) {
      widths.pop();
      continue;
    }
    const next = Math.max(COLUMN_WIDTH_MIN, ...texts.filter((width) => width < widest));
    const many = texts.filter((width) => width === widest).length;
    const cutEach = Math.max(1, Math.min(widest - next, Math.ceil((total() - columns) / many)));
    for (const [column, width] of widths.entries()) {
      if (width === widest && aligns[column] === "left") widths[column] = widest - cutEach;
    }
  }
  if (widths.length === 1) widths[0] = Math.min(widths[0] ?? 0, Math.max(1, columns));
  return widths;
}

function columnsOf(rows: readonly unknown[]): Columns {
  const first = rows[0];
  if (Array.isArray(first) && first.length > 0) {
    const length = first.length;
    if (rows.every((row) => Array.isArray(row) && row.length === length)) return arrayColumns(length);
  }
  if (rows.every(isRecord)) {
    const names = new Set<string>();
    for (const row of rows) for (const name of Object.keys(row as object)) names.add(name);
    if (names.size > 0) return recordColumns([...names]);
  }
  return { titles: undefined, count: 1, valueAt: (row) => row, leftOut: 0 };
}

function arrayColumns(length: number): Columns {
  return {
    titles: length === 2 ? ["key", "value"] : undefined,
    count: Math.min(length, COLUMNS_MAX),
    valueAt: (row, column) => (row as readonly unknown[])[column],
    leftOut: Math.max(0, length - COLUMNS_MAX),
  };
}

function recordColumns(names: readonly string[]): Columns {
  const shown = names.slice(0, COLUMNS_MAX);
  return {
    titles: shown.map((name) => truncateToWidth(escapeText(name.slice(0, 200)), 40)),
    count: shown.length,
    // Own fields only: a record may well lack `constructor`, and `Object.prototype` has it.
    valueAt: (row, column) => {
      const name = shown[column] ?? "";
      return Object.hasOwn(row as object, name) ? (row as Record<string, unknown>)[name] : undefined;
    },
    leftOut: names.length - shown.length,
  };
}

function isRecord(row: unknown): boolean {
  if (typeof row !== "object" || row === null) return false;
  const prototype: unknown = Object.getPrototypeOf(row);
  return prototype === Object.prototype || prototype === null;
}
