/** What the jobs of chaos-job.mjs must give, worked out in plain loops on one machine, without the engine. */

export const SHAPES = ["words", "groups", "joined", "sorted", "ends"] as const;
export type Shape = (typeof SHAPES)[number];

export interface JobInput {
  readonly rows: number;
  readonly salt: number;
}

/** By the name of the end; the rows of a written directory are its lines. Of what has no order, sorted by text. */
export interface Expected {
  /** Rows that the caller gets, as JSON. */
  readonly rows: readonly string[];
  /** Lines of all files that are written; undefined where nothing is. */
  readonly written: readonly string[] | undefined;
  /** Whether the order of the written lines is promised. */
  readonly inOrder: boolean;
}

export function expectedOf(shape: Shape, input: JobInput, lines: readonly string[]): Expected {
  switch (shape) {
    case "words":
      return collected(countWords(input, lines));
    case "groups":
      return writtenOnly(groupLines(input), false);
    case "joined":
      return collected(joinRows(input));
    case "sorted":
      return writtenOnly(sortedLines(input), true);
    case "ends":
      return severalEnds(input);
  }
}

const collected = (rows: readonly unknown[]): Expected => ({
  rows: rows.map((row) => JSON.stringify(row)).sort(),
  written: undefined,
  inOrder: false,
});
const writtenOnly = (written: readonly string[], inOrder: boolean): Expected => ({
  rows: [],
  written: inOrder ? written : [...written].sort(),
  inOrder,
});

function countWords({ salt }: JobInput, lines: readonly string[]): readonly unknown[] {
  const counts = new Map<string, number>();
  for (const line of lines) {
    for (const word of line.split(" ").slice(0, 1 + (salt % 5)))
      counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts];
}

function amountsByShop({ rows, salt }: JobInput): ReadonlyMap<number, readonly number[]> {
  const shops = new Map<number, number[]>();
  for (let n = 0; n < rows; n++) {
    const shop = (n * 7_919 + salt) % 97;
    const list = shops.get(shop) ?? [];
    list.push(((n * 31 + salt) % 1_009) - 500);
    shops.set(shop, list);
  }
  return shops;
}

const sumOf = (list: readonly number[]): number => {
  let sum = 0;
  for (const n of list) sum += n;
  return sum;
};

const groupLines = (input: JobInput): readonly string[] =>
  [...amountsByShop(input)].map(([shop, list]) =>
    JSON.stringify({ shop, count: list.length, sum: sumOf(list), first: list[0] }),
  );

function joinRows(input: JobInput): readonly unknown[] {
  const cities = new Map<string, number>();
  for (const [shop, list] of amountsByShop(input)) {
    if (shop >= 60) continue;
    const city = `city ${(shop * 7 + input.salt) % 11}`;
    cities.set(city, (cities.get(city) ?? 0) + sumOf(list));
  }
  return [...cities];
}

function sortedLines({ rows, salt }: JobInput): readonly string[] {
  const lines: string[] = [];
  for (let n = 0; n < rows; n++) {
    const key = (n * 48_271 + salt * 13) % 65_521;
    lines.push(`${String(key).padStart(6, "0")} ${n} ${"x".repeat(40)}`);
  }
  return lines.sort();
}

function severalEnds(input: JobInput): Expected {
  const sums = [...amountsByShop(input)].map(([shop, list]) => [shop, sumOf(list)] as const);
  const best = [...sums].sort(([a, x], [b, y]) => y * 100 + b - (x * 100 + a)).slice(0, 5);
  return {
    rows: [...best.map((row) => JSON.stringify(row)), JSON.stringify(input.rows)].sort(),
    written: sums.map(([shop, sum]) => JSON.stringify({ shop, sum })).sort(),
    inOrder: false,
  };
}
