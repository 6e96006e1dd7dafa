import type { NestedColumn, NumberArray } from "../block/column.ts";
import { roomFor } from "./room.ts";
import type { Picked, Store } from "./store.ts";

/** Numbers: in 32 bits while all of them are whole and fit. */
export class NumberStore implements Store {
  readonly textBytesMax = 0;
  #wholes: Int32Array<ArrayBuffer> | undefined = new Int32Array(0);
  #floats = new Float64Array(0);
  #rows = 0;

  get bytes(): number {
    return (this.#wholes ?? this.#floats).byteLength;
  }

  add(column: NestedColumn, picked: Picked, rows: number): boolean {
    if (column.kind !== "numbers") return false;
    const numbers = picked === undefined ? column.numbers : pick(column.numbers, picked);
    const end = this.#rows + (picked?.length ?? rows);
    if (this.#wholes !== undefined && !this.#addWholes(this.#wholes, numbers, end)) this.#widen();
    if (this.#wholes === undefined) {
      this.#floats = roomFor(this.#floats, end);
      this.#floats.set(numbers, this.#rows);
    }
    this.#rows = end;
    return true;
  }

  take(rows: Uint32Array): number[] {
    return this.#wholes === undefined ? gathered(this.#floats, rows) : gatheredWholes(this.#wholes, rows);
  }

  textBytesOf(): number {
    return 0;
  }

  #addWholes(known: Int32Array<ArrayBuffer>, numbers: NumberArray, end: number): boolean {
    if (numbers instanceof Float64Array || numbers instanceof Float32Array) return false;
    const wholes = roomFor(known, end);
    this.#wholes = wholes;
    wholes.set(numbers, this.#rows);
    if (!(numbers instanceof Uint32Array)) return true;
    for (let row = this.#rows; row < end; row++) if ((wholes[row] as number) < 0) return false;
    return true;
  }

  #widen(): void {
    this.#floats = new Float64Array(this.#rows);
    this.#floats.set((this.#wholes as Int32Array).subarray(0, this.#rows));
    this.#wholes = undefined;
  }
}

/** By way of one type of array: a loop that has seen many is several times as slow. */
function pick(numbers: NumberArray, picked: Uint32Array): NumberArray {
  if (numbers instanceof Float64Array) {
    const floats = new Float64Array(picked.length);
    for (let i = 0; i < picked.length; i++) floats[i] = numbers[picked[i] as number] as number;
    return floats;
  }
  if (numbers instanceof Uint32Array) {
    const wholes = new Uint32Array(picked.length);
    for (let i = 0; i < picked.length; i++) wholes[i] = numbers[picked[i] as number] as number;
    return wholes;
  }
  const all = numbers instanceof Int32Array ? numbers : Int32Array.from(numbers);
  const wholes = new Int32Array(picked.length);
  for (let i = 0; i < picked.length; i++) wholes[i] = all[picked[i] as number] as number;
  return wholes;
}

function gathered(floats: Float64Array, rows: Uint32Array): number[] {
  const values: number[] = new Array(rows.length);
  for (let i = 0; i < rows.length; i++) values[i] = floats[rows[i] as number] as number;
  return values;
}

function gatheredWholes(wholes: Int32Array, rows: Uint32Array): number[] {
  const values: number[] = new Array(rows.length);
  for (let i = 0; i < rows.length; i++) values[i] = wholes[rows[i] as number] as number;
  return values;
}
