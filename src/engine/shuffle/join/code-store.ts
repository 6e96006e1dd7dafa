import type { DictionaryColumn, NestedColumn } from "../block/column.ts";
import { columnStrings } from "../block/text-decode.ts";
import { owned } from "../own-string.ts";
import { roomFor } from "./room.ts";
import type { Picked, Store } from "./store.ts";
import { TextStore } from "./text-store.ts";

/** Texts of which more differ do not repeat enough. */
const ENTRIES_MAX = 4096;
/** What a known text takes, about: the string, its place in the list and in the map. */
const ENTRY_BYTES = 80;

/** Texts that repeat, each kept once. */
export class CodeStore implements Store {
  /** No text is made for a row. */
  readonly textBytesMax = 0;
  readonly #entries: string[] = [];
  readonly #codeOf = new Map<string, number>();
  #codes = new Uint16Array(0);
  #rows = 0;
  #units = 0;

  get bytes(): number {
    return this.#codes.byteLength + this.#entries.length * ENTRY_BYTES + this.#units * 2;
  }

  add(column: NestedColumn, picked: Picked, rows: number): boolean {
    if (column.kind !== "dictionary" && column.kind !== "text") return false;
    const added = column.kind === "dictionary" ? column.entries.length : rows;
    if (this.#entries.length + added > ENTRIES_MAX) return false;
    const count = picked?.length ?? rows;
    this.#codes = roomFor(this.#codes, this.#rows + count);
    if (column.kind === "dictionary") this.#addCodes(column, picked, count);
    else {
      const texts = columnStrings(column, false);
      for (let i = 0; i < count; i++)
        this.#codes[this.#rows + i] = this.#enter(
          texts[picked === undefined ? i : (picked[i] as number)] as string,
        );
    }
    this.#rows += count;
    return true;
  }

  take(rows: Uint32Array): string[] {
    const values: string[] = new Array(rows.length);
    for (let i = 0; i < rows.length; i++)
      values[i] = this.#entries[this.#codes[rows[i] as number] as number] as string;
    return values;
  }

  textBytesOf(): number {
    return 0;
  }

  /** The same rows, not by codes; undefined where they are more than bytes can hold. */
  asTexts(): TextStore | undefined {
    const texts = new TextStore();
    return texts.addCodes(this.#entries, this.#codes, undefined, this.#rows) ? texts : undefined;
  }

  #addCodes({ entries, codes }: DictionaryColumn, picked: Picked, count: number): void {
    const own = Uint16Array.from(entries, (text) => this.#enter(text));
    for (let i = 0; i < count; i++)
      this.#codes[this.#rows + i] = own[
        codes[picked === undefined ? i : (picked[i] as number)] as number
      ] as number;
  }

  #enter(text: string): number {
    const known = this.#codeOf.get(text);
    if (known !== undefined) return known;
    const own = owned(text) as string;
    const code = this.#entries.push(own) - 1;
    this.#codeOf.set(own, code);
    this.#units += own.length;
    return code;
  }
}
