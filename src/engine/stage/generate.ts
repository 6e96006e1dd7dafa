/**
 * Writes a stage as source text: one loop over a batch of rows in which every operator is a few statements and
 * every function of the user's is called as `fn(record, ctx)` from one place of its own, so that V8 sees one
 * target there and inlines it. An iterator or a closure an operator costs several times as much.
 *
 * How the text is built:
 * - A chain of operators is flat: one labelled block, which `filter` leaves with `break`. Branches that share the
 *   work above them are such blocks one after another. Only flatMap, words and the matches of a join nest.
 * - flatMap is one loop for arrays and other iterables alike, with a test an element that always goes the same
 *   way. So the text below it stands once, and grows linearly however deep flatMaps nest. `words` is such a loop
 *   over what is always an array.
 * - `at` holds the site being run; the catch block hands it out with the row. It costs nothing while nothing fails.
 * - mapPartitions ends a segment: rows go to a spool, and its results start a loop of their own.
 *
 * Everything of the user's enters as values (functions, fractions): no text of theirs is ever part of the source.
 *
 * Long because every operator that stands in the loop is written here, beside those whose labels and names it shares.
 */
import { unreachable } from "../../base/assert.ts";
import { labelFed, labelNarrow } from "../../plan/label.ts";
import type {
  Aggregator,
  DeclaredValue,
  FlatMapNode,
  JoinNode,
  MapPartitionsNode,
  NarrowNode,
  SampleNode,
  UserFunction,
  WordsNode,
} from "../../plan/node.ts";
import type { Branch, Sink, Stage, Step } from "../../plan/stage.ts";
import type { Site } from "./failure.ts";
import { keyOf } from "./sink-key.ts";
import { GENERATED_PREFIX } from "./stack.ts";

export interface GeneratedSegment {
  /** Body of a function of `functions`, `fractions` and the names of the loop support. */
  readonly source: string;
  /** The mapPartitions whose results this segment takes; undefined for the first. */
  readonly after: { readonly fn: UserFunction; readonly site: number } | undefined;
}

export interface GeneratedStage {
  readonly segments: readonly GeneratedSegment[];
  readonly functions: readonly UserFunction[];
  readonly samples: readonly SampleNode[];
  readonly sites: readonly Site[];
}

export function generateStage(stage: Stage): GeneratedStage {
  const shared = new StageParts(stage);
  const segments = [new SegmentWriter(shared, 0).write(stage.branches, undefined)];
  for (let next = shared.borders.shift(); next !== undefined; next = shared.borders.shift()) {
    segments.push(new SegmentWriter(shared, segments.length).write(next.step.next, next));
  }
  return { segments, functions: shared.functions, samples: shared.samples, sites: shared.sites };
}

interface Border {
  readonly step: Step;
  readonly fn: UserFunction;
  readonly site: number;
}

/** What a sink is given, as expressions. */
interface Given {
  readonly checks: readonly string[];
  /** Undefined for a sink of rows. */
  readonly key: string | undefined;
  readonly value: string;
}

/** Statements for these expressions. */
type Change = (numbers: string, entry: string, value: string, refresh: string) => string;

/** What the segments of a stage number together. */
class StageParts {
  readonly stage: Stage;
  readonly functions: UserFunction[] = [];
  readonly samples: SampleNode[] = [];
  readonly sites: Site[] = [];
  /** mapPartitions whose segments are still to be written, in the order of their spools. */
  readonly borders: Border[] = [];
  spools = 0;

  constructor(stage: Stage) {
    this.stage = stage;
  }

  addSite(site: Site): number {
    return this.sites.push(site) - 1;
  }

  addSpool(step: Step, op: MapPartitionsNode): number {
    const site = this.addSite({ label: labelOf(op), calls: "user", late: false });
    this.borders.push({ step, fn: op.fn, site });
    return this.spools++;
  }
}

class SegmentWriter {
  readonly #parts: StageParts;
  readonly #index: number;
  /** Outside of the loop function: the user's functions, constant for every task. */
  readonly #constants: string[] = [];
  /** At the top of the loop function: what belongs to the task. */
  readonly #locals: string[] = [];
  /** Behind its last row. */
  readonly #ends: string[] = [];
  /** Where it failed. */
  readonly #failures: string[] = [];
  /** At its end. */
  readonly #totals: string[] = [];
  readonly #body: string[] = [];
  #names = 0;

  constructor(parts: StageParts, index: number) {
    this.#parts = parts;
    this.#index = index;
  }

  write(branches: readonly Branch[], after: GeneratedSegment["after"]): GeneratedSegment {
    this.#branches(branches, "row");
    const { id } = this.#parts.stage;
    const source = `"use strict";
${this.#constants.join("\n")}
return function stage${id}_segment${this.#index}(rows, count, state) {
const { ctx, sinks, samples, spools, tables, openIterators } = state;
${this.#locals.join("\n")}
let at = ${after?.site ?? 0}, i = 0, row;
try {
for (; i < count; i++) {
${after === undefined ? "row = rows[i];" : nextResult(after.site)}
${this.#body.join("\n")}
}
${this.#ends.join("\n")}
} catch (error) {
${this.#failures.join("\n")}
state.failedSite = at;
state.failedRow = i;
state.failedRecord = row;
throw error;
}
${this.#totals.join("\n")}
return i;
};
//# sourceURL=${GENERATED_PREFIX}${id}${this.#index === 0 ? "" : `-${this.#index}`}.js`;
    return { source, after };
  }

  #branches(branches: readonly Branch[], record: string): void {
    for (const branch of branches) this.#chain(branch, record);
  }

  /** One branch down to its sink, or to where it forks. */
  #chain(first: Branch, firstRecord: string): void {
    let branch = first;
    let record = firstRecord;
    let block = this.#name("branch");
    let close = "}";
    this.#body.push(`${block}: {`);
    for (;;) {
      if (branch.kind === "sink") {
        this.#sink(branch.sink, record);
        break;
      }
      const { op, next } = branch;
      if (op.kind === "mapPartitions") {
        this.#spool(branch, op, record);
        break;
      }
      if (op.kind === "flatMap" || op.kind === "words" || (op.kind === "join" && givesPairs(op))) {
        record = this.#openLoop(op, record);
        block = this.#name("branch");
        this.#body.push(`${block}: {`);
        close = `} } ${close}`;
      } else {
        record = op.kind === "join" ? this.#keep(op, record, block) : this.#operator(op, record, block);
      }
      if (next.length !== 1) {
        this.#branches(next, record);
        break;
      }
      branch = next[0]!;
    }
    this.#body.push(close);
  }

  /** @returns The variable that holds the record after it. */
  #operator(
    op: Exclude<NarrowNode, { kind: "flatMap" | "mapPartitions" | "words" }>,
    record: string,
    block: string,
  ): string {
    switch (op.kind) {
      case "map":
        return this.#call(op.fn, op.kind, labelOf(op), record);
      case "keyBy": {
        const key = this.#call(op.fn, "key", labelOf(op), record);
        const pair = this.#name("pair");
        this.#body.push(`const ${pair} = [${key}, ${record}];`);
        return pair;
      }
      case "filter": {
        const kept = this.#call(op.fn, "keep", labelOf(op), record);
        // A promise is truthy, and would keep every record: looked for wherever it is not plainly true.
        this.#body.push(`if (!${kept}) break ${block};`, `if (${kept} !== true) checkSync(${kept});`);
        return record;
      }
      case "sample": {
        const index = this.#parts.samples.push(op) - 1;
        this.#constants.push(`const fraction${index} = fractions[${index}];`);
        this.#locals.push(`const sample${index} = samples[${index}];`);
        this.#body.push(`if (sample${index}.next() >= fraction${index}) break ${block};`);
        return record;
      }
      default:
        return unreachable(op);
    }
  }

  /** Calls a function of the user's, and looks at its first result of the batch for a promise. */
  #call(fn: UserFunction, verb: string, label: string, record: string): string {
    const { name, result } = this.#begin(fn, verb, label);
    this.#locals.push(`let first_${name} = true;`);
    this.#body.push(
      `const ${result} = ${name}(${record}, ctx);`,
      `if (first_${name}) { first_${name} = false; checkSync(${result}); }`,
    );
    return result;
  }

  #begin(fn: UserFunction, verb: string, label: string): { name: string; result: string; site: number } {
    const index = this.#parts.functions.push(fn) - 1;
    const name = `${verb}_${index}`;
    const site = this.#parts.addSite({ label, calls: "user", late: false });
    this.#constants.push(`const ${name} = functions[${index}];`);
    this.#body.push(`at = ${site};`);
    return { name, result: this.#name(verb), site };
  }

  /** Opens two blocks, the loop and one more by the caller, that the caller closes. */
  #openLoop(op: FlatMapNode | WordsNode | JoinNode, record: string): string {
    switch (op.kind) {
      case "flatMap":
        return this.#openFlatMap(op, record);
      case "words":
        return this.#openWords(op, record);
      case "join":
        return this.#openMatches(op, record);
      default:
        return unreachable(op);
    }
  }

  #openFlatMap(op: NarrowNode & { kind: "flatMap" }, record: string): string {
    const { name, result, site } = this.#begin(op.fn, "many", labelOf(op));
    const index = this.#name("index");
    const iterator = this.#name("iterator");
    const item = this.#name("item");
    this.#body.push(
      `const ${result} = ${name}(${record}, ctx);`,
      `let ${iterator};`,
      `if (!isArray(${result})) openIterators.push(${iterator} = iterate(${result}));`,
      `for (let ${index} = 0; ; ${index}++) {`,
      `let ${item};`,
      `if (${iterator} === undefined) {`,
      `if (${index} >= ${result}.length) break;`,
      `${item} = ${result}[${index}];`,
      "} else {",
      `at = ${site};`,
      `const step = ${iterator}.next();`,
      "if (step.done) { openIterators.pop(); break; }",
      `${item} = step.value;`,
      "}",
    );
    return item;
  }

  /** A join with one side broadcast: looks the record up in the table of that side. */
  #lookUp(op: JoinNode, record: string): { table: string; key: string; row: string } {
    const index = this.#parts.stage.broadcasts.findIndex(({ join }) => join === op);
    const table = `table${index}`;
    const local = `const ${table} = tables[${index}];`;
    if (!this.#locals.includes(local)) this.#locals.push(local);
    const site = this.#parts.addSite({ label: labelNarrow(op), calls: "sink", late: false });
    const key = this.#name("key");
    this.#body.push(`at = ${site};`, checkPair(record), `const ${key} = settled(${record}[0]);`);
    return { table, key, row: this.#name("match") };
  }

  /** Semi and anti: the record stays, or does not. */
  #keep(op: JoinNode, record: string, block: string): string {
    const { table, key } = this.#lookUp(op, record);
    const kept = this.#name("kept");
    this.#body.push(
      `if (${table}.find(${key}) ${op.how === "semi" ? "<" : ">="} 0) break ${block};`,
      `const ${kept} = ${key} === ${record}[0] ? ${record} : [${key}, ${record}[1]];`,
    );
    return kept;
  }

  /** As for flatMap: a loop over the record's matches, and once without where it has none and the join keeps it. */
  #openMatches(op: JoinNode, record: string): string {
    const { table, key, row } = this.#lookUp(op, record);
    const own = this.#name("own");
    const joined = this.#name("joined");
    const match =
      op.how === "inner" ? `${table}.valueAt(${row})` : `${row} < 0 ? undefined : ${table}.valueAt(${row})`;
    const small = this.#parts.stage.broadcasts.find(({ join }) => join === op)!.side;
    const sides = small === 1 ? `${own}, ${match}` : `${match}, ${own}`;
    this.#body.push(
      `const ${own} = settled(${record}[1]);`,
      `let ${row} = ${table}.find(${key});`,
      op.how === "inner"
        ? `for (; ${row} >= 0; ${row} = ${table}.following(${row})) {`
        : `for (let first = true; ${row} >= 0 || first; first = false, ${row} = ${row} < 0 ? ${row} : ${table}.following(${row})) {`,
      `const ${joined} = [${key}, [${sides}]];`,
    );
    return joined;
  }

  /** As for flatMap. */
  #openWords(op: WordsNode, record: string): string {
    const site = this.#parts.addSite({ label: labelNarrow(op), calls: "user", late: false });
    const words = this.#name("words");
    const index = this.#name("index");
    const word = this.#name("word");
    this.#body.push(
      `at = ${site};`,
      `const ${words} = wordsOfRecord(${record});`,
      `for (let ${index} = 0; ${index} < ${words}.length; ${index}++) {`,
      `const ${word} = ${words}[${index}];`,
    );
    return word;
  }

  #spool(step: Step, op: MapPartitionsNode, record: string): void {
    const spool = this.#parts.addSpool(step, op);
    this.#locals.push(`const spool${spool} = spools[${spool}];`);
    this.#body.push(`at = ${this.#parts.sites.length - 1};`, `spool${spool}.push(${record});`);
  }

  #sink(index: number, record: string): void {
    const sink = this.#parts.stage.sinks[index]!;
    this.#locals.push(`const sink${index} = sinks[${index}]; let rows${index} = 0;`);
    this.#totals.push(`state.sinkRows[${index}] += rows${index};`);
    const given = this.#given(sink, record);
    const late = sink.kind !== "end" || sink.end.kind === "collect";
    const site = this.#parts.addSite({ label: labelFed(sink), calls: "sink", late });
    this.#body.push(`at = ${site};`, ...given.checks, `rows${index}++;`);
    if (sink.kind === "shuffle" && sink.shuffle.kind === "aggregate" && sink.shuffle.key !== "all") {
      this.#aggregate(index, site, sink.shuffle.aggregator, given);
    } else if (given.key === undefined) this.#body.push(`sink${index}.push(${given.value});`);
    else this.#body.push(`sink${index}.add(${given.key}, ${given.value});`);
  }

  /**
   * Keys that were there before, with numbers for accumulators, are settled here, so that the user's function is
   * called from this stage alone; all else is for the sink. While the sink has many keys, texts with numbers wait a
   * little, to be folded some at a time; before a key that cannot wait, those that do are folded.
   */
  #aggregate(sinkIndex: number, site: number, aggregator: Aggregator | "count", given: Given): void {
    const [sink, index, numbers, size] = ["sink", "sinkIndex", "sinkNumbers", "sinkSize"].map(
      (n) => n + sinkIndex,
    );
    const [key, entry, value] = ["aggregateKey", "entry", "aggregateValue"].map((stem) => this.#name(stem));
    this.#locals.push(
      `const ${index} = ${sink}.index; let ${numbers} = ${sink}.numbers, ${size} = ${index}.size;`,
    );
    const refresh = `${numbers} = ${sink}.numbers; ${size} = ${index}.size;`;
    const change = this.#changeOf(aggregator, sink as string);
    this.#body.push(
      `const ${key} = ${given.key}, ${value} = ${aggregator === "count" ? "0" : `settled(${given.value})`};`,
    );
    // What a mapPartitions gives is not there any more when a row that waited fails.
    if (this.#index === 0) {
      const held = `sinkHeld${sinkIndex}`;
      const fold = this.#foldOf(sinkIndex, change);
      this.#locals.push(`const ${held} = ${sink}.held;`);
      const isNumber = aggregator === "count" ? "" : ` && typeof ${value} === "number"`;
      this.#body.push(
        `if (${held} !== undefined && typeof ${key} === "string"${isNumber} && ${held}.hold(${key}, ${value}, i)) {`,
        `if (${held}.isFull) { ${fold}(${sink}, ${held}); ${refresh} }`,
        "} else {",
        `if (${held} !== undefined && ${held}.count > 0) { ${fold}(${sink}, ${held}); ${refresh} }`,
      );
      this.#ends.push(`if (${held} !== undefined) ${fold}(${sink}, ${held});`);
      this.#failures.push(
        `if (${held} !== undefined && ${held}.folding >= 0) { at = ${site}; i = ${held}.failedRow; row = rows[i]; }`,
      );
    }
    this.#body.push(
      `if (${numbers} === undefined) { ${sink}.add(${key}, ${value}); ${refresh} } else {`,
      `const ${entry} = typeof ${key} === "string" ? ${index}.enterText(${key}) : ${index}.enter(settled(${key}));`,
      `if (${entry} >= ${size}) { ${sink}.begin(${value}); ${refresh} }`,
      `else {${change(numbers as string, entry as string, value as string, refresh)}}`,
      "}",
    );
    if (this.#index === 0) this.#body.push("}");
  }

  /** Statements that fold a value into the number of an entry. */
  #changeOf(aggregator: Aggregator | "count", sink: string): Change {
    if (aggregator === "count") return (numbers, entry) => `${numbers}[${entry}]++;`;
    const add = `add_${this.#parts.functions.push(aggregator.add) - 1}`;
    this.#constants.push(`const ${add} = functions[${this.#parts.functions.length - 1}];`);
    return (numbers, entry, value, refresh) => `
const changed = ${add}(${numbers}[${entry}], ${value});
if (typeof changed === "number") ${numbers}[${entry}] = changed;
else { ${sink}.replace(${entry}, changed, ${value}); ${refresh} }
`;
  }

  /** A function of its own, which folds what waits. */
  #foldOf(sinkIndex: number, change: Change): string {
    const fold = `foldHeld${sinkIndex}`;
    const sink = `sink${sinkIndex}`;
    // A sink that was emptied numbers its keys anew.
    const refresh = `numbers = ${sink}.numbers; size = index.size; if (size === 0) entries.fill(-1);`;
    this.#constants.push(`function ${fold}(${sink}, held) {
const { index } = ${sink}, { count, values, entries } = held;
let numbers = ${sink}.numbers, size = index.size;
const early = held.earlyOf(size);
let foldedEarly = 0;
index.findHeld(held);
for (let k = 0; k < count; k++) {
held.folding = k;
const value = values[k];
if (numbers === undefined) { ${sink}.add(held.textOf(k), value); ${refresh} continue; }
let entry = entries[k];
if (entry < 0) entry = index.enterHeld(held, k);
if (entry < early) foldedEarly++;
if (entry >= size) { ${sink}.begin(value); ${refresh} }
else {${change("numbers", "entry", "value", refresh)}}
}
held.release(foldedEarly);
}`);
    return fold;
  }

  #given(sink: Sink, record: string): Given {
    const key = keyOf(sink);
    switch (key) {
      case "none":
        return { checks: [], key: undefined, value: record };
      case "pair": {
        const check = checkPair(record);
        const declared =
          sink.kind === "shuffle" && sink.shuffle.kind === "aggregate" ? sink.shuffle.value : undefined;
        if (declared === undefined) return { checks: [check], key: `${record}[0]`, value: `${record}[1]` };
        this.#body.push(`at = ${this.#parts.addSite({ label: declared.name, calls: "sink", late: false })};`);
        this.#body.push(check);
        return { checks: [], key: `${record}[0]`, value: this.#declared(declared, `${record}[1]`) };
      }
      case "record":
        return { checks: [], key: record, value: "null" };
      case "all":
        return { checks: [], key: "null", value: record };
      default: {
        const result = this.#call(key, "key", `key function of ${labelFed(sink)}`, record);
        return { checks: [], key: result, value: record };
      }
    }
  }

  /** @returns The variable that holds the value to aggregate: null, or of a type that the aggregation takes. */
  #declared({ name, fn, field }: DeclaredValue, record: string): string {
    const label = field === undefined ? `value function of ${name}` : `${name}(${JSON.stringify(field)})`;
    const given = this.#call(fn, "given", label, record);
    const value = this.#name("value");
    const takesText = name === "minBy" || name === "maxBy";
    this.#body.push(
      takesText
        ? `const ${value} = typeof ${given} === "number" || typeof ${given} === "string" ? ${given} : noValue(${given}, "numbers or text");`
        : `const ${value} = typeof ${given} === "number" ? ${given} : noValue(${given}, "numbers");`,
    );
    return value;
  }

  #name(stem: string): string {
    return `${stem}${this.#names++}`;
  }
}

const checkPair = (record: string): string =>
  `if (!isArray(${record}) || ${record}.length !== 2) throwNotPair(${record});`;

const nextResult = (site: number): string => `at = ${site};
const next = rows.next();
if (next.done) break;
row = next.value;`;

/** Whether a join's records hold both sides; else they are the left side's own. */
const givesPairs = ({ how }: JoinNode): boolean => how !== "semi" && how !== "anti";

/** `map(parse)` where the function has a name to tell it by. */
function labelOf(op: Exclude<NarrowNode, SampleNode | WordsNode>): string {
  const { name } = op.fn;
  return /^[\w$]{1,60}$/.test(name) && name !== "fn" ? `${labelNarrow(op)}(${name})` : labelNarrow(op);
}
