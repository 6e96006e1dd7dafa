/**
 * Records of one shape: the same fields in the same order. For each shape, functions are generated that take records
 * apart into columns and make them again: V8 gives the fields of an object literal one fixed layout, and reads and
 * writes them without looking names up. Shapes that few records had are read and made by name.
 */

export interface Shape {
  readonly names: readonly string[];
  /** Records taken apart or made so far. */
  rows: number;
  read: ReadFields | undefined;
  make: MakeRecords | undefined;
  add: AddFields | undefined;
}

/** A column that grows; returns what the value takes. */
export interface GrowingColumn {
  add(value: unknown): number;
}

type AddFields = (record: object, columns: readonly GrowingColumn[]) => number;

type ReadFields = (records: readonly object[], columns: readonly unknown[][]) => void;
type MakeRecords = (columns: readonly (readonly unknown[])[], rows: number) => unknown[];

/** From so many records on, generated functions pay. */
const GENERATED_ROWS_MIN = 64;
/** Shapes remembered by a thread; beyond, all are forgotten. */
const SHAPES_KEPT_MAX = 1024;
const shapes = new Map<string, Shape>();

export function shapeOf(names: readonly string[]): Shape {
  const key = JSON.stringify(names);
  let shape = shapes.get(key);
  if (shape === undefined) {
    if (shapes.size >= SHAPES_KEPT_MAX) shapes.clear();
    shape = { names, rows: 0, read: undefined, make: undefined, add: undefined };
    shapes.set(key, shape);
  }
  return shape;
}

/** Whether the record has this shape. */
export function hasShape(record: object, { names }: Shape): boolean {
  let field = 0;
  // Without a list of its names: V8 goes through the one it keeps for objects made alike.
  for (const name in record) if (names[field++] !== name) return false;
  return field === names.length;
}

/** A column for each field. */
export function takeApart(records: readonly object[], shape: Shape): unknown[][] {
  const { names } = shape;
  const rows = records.length;
  const columns = names.map(() => new Array<unknown>(rows));
  shape.rows += rows;
  if (shape.rows >= GENERATED_ROWS_MIN) {
    shape.read ??= generateRead(names);
    shape.read(records, columns);
    return columns;
  }
  for (const [field, name] of names.entries()) {
    const column = columns[field] as unknown[];
    for (let i = 0; i < rows; i++) column[i] = (records[i] as Record<string, unknown>)[name];
  }
  return columns;
}

/** Adds each field of a record that has this shape to its column; returns what they take together. */
export function addFields(record: object, shape: Shape, columns: readonly GrowingColumn[]): number {
  shape.rows++;
  if (shape.rows >= GENERATED_ROWS_MIN) {
    shape.add ??= generateAdd(shape.names);
    return shape.add(record, columns);
  }
  let bytes = 0;
  for (const [field, name] of shape.names.entries())
    bytes += (columns[field] as GrowingColumn).add((record as Record<string, unknown>)[name]);
  return bytes;
}

/** The way back: each record is new. */
export function putTogether(columns: readonly (readonly unknown[])[], rows: number, shape: Shape): unknown[] {
  const { names } = shape;
  shape.rows += rows;
  if (shape.rows >= GENERATED_ROWS_MIN) {
    shape.make ??= generateMake(names);
    return shape.make(columns, rows);
  }
  const records: unknown[] = new Array(rows);
  for (let i = 0; i < rows; i++) {
    const record: Record<string, unknown> = {};
    for (let field = 0; field < names.length; field++) {
      const name = names[field] as string;
      const value = columns[field]?.[i];
      if (name !== "__proto__") record[name] = value;
      else
        Object.defineProperty(record, name, { value, writable: true, enumerable: true, configurable: true });
    }
    records[i] = record;
  }
  return records;
}

type MakeTuples = (columns: readonly (readonly unknown[])[], rows: number) => unknown[][];
/** By their number of elements, of which a byte tells. */
const tupleMakers: MakeTuples[] = [];

/** Arrays of an element of each column. */
export function zip(columns: readonly (readonly unknown[])[], rows: number): unknown[][] {
  tupleMakers[columns.length] ??= generateLoop(columns.length, `[${columns.map((_, i) => `c${i}[i]`)}]`);
  return (tupleMakers[columns.length] as MakeTuples)(columns, rows);
}

function generateRead(names: readonly string[]): ReadFields {
  const columns = names.map((_, field) => `const c${field} = columns[${field}];`);
  const reads = names.map((name, field) => `c${field}[i] = record[${JSON.stringify(name)}];`);
  return new Function(
    "records",
    "columns",
    `${columns.join(" ")}
for (let i = 0; i < records.length; i++) { const record = records[i]; ${reads.join(" ")} }`,
  ) as ReadFields;
}

function generateAdd(names: readonly string[]): AddFields {
  const added = names.map((name, field) => `columns[${field}].add(record[${JSON.stringify(name)}])`);
  return new Function("record", "columns", `return ${added.join(" + ")};`) as AddFields;
}

function generateMake(names: readonly string[]): MakeRecords {
  // In brackets, because `__proto__` without them would set the prototype.
  const fields = names.map((name, field) => {
    const text = JSON.stringify(name);
    return `${name === "__proto__" ? `[${text}]` : text}: c${field}[i]`;
  });
  return generateLoop(names.length, `{ ${fields.join(", ")} }`);
}

/** @param row What to make of the values `c0[i]` and so on. */
function generateLoop<T>(columns: number, row: string) {
  const names = Array.from({ length: columns }, (_, i) => `const c${i} = columns[${i}];`);
  return new Function(
    "columns",
    "rows",
    `${names.join(" ")}
const made = new Array(rows);
for (let i = 0; i < rows; i++) made[i] = ${row};
return made;`,
  ) as (columns: readonly (readonly unknown[])[], rows: number) => T[];
}
