/**
 * Whether a history of calls could have come from one object that does one thing at a time, each call between its
 * beginning and its end: linearizability (Herlihy and Wing, TOPLAS 1990).
 *
 * The search is that of Wing and Gong (Testing and Verifying Concurrent Objects, JPDC 1993): of all operations that
 * began before the first open one ended, some one came next. Dead ends are remembered as pairs of what was done and the
 * state it led to, as Lowe has it (Testing for Linearizability, CCPE 2016; Porcupine does the same). On top of it:
 *
 * 1. What only reads is taken as soon as it may give what it gave: to wait could only forbid things, so there is
 *    nothing to come back to. A write that happens to leave the state as it is may be needed later.
 * 2. An operation whose outcome is unknown may have happened at any time since its call, or never. It is tried where
 *    it changes the state, and after the operations whose outcomes are known. Where what it changes cannot be seen but by
 *    calls that need it, it is put off until one of known outcome does: of the many that nobody ever needed, no order is tried.
 * 3. Where outputs tell the object's age, it grows no older than the youngest output that is still to come allows: what nobody knows
 *    of is not tried past the place where everybody sees that it did not happen.
 * 4. What the model says must come first comes first, and what it says may come now for good is taken at once, like a read.
 *
 * Owns no clock: times are any numbers that grow. The effort is bounded, and giving up is an answer of its own, which
 * nobody should take for a good one.
 */

/** What the object is: a pure function from states to states. */
export interface LinearModel<State, Input, Output> {
  readonly init: State;
  /**
   * The state after this call, where it may give this output; undefined where it may not. With an output of undefined
   * (unknown) whatever it would give is right. Gives back the very same object where nothing changes.
   */
  readonly step: (state: State, input: Input, output: Output | undefined) => State | undefined;
  /** Whether a call that gave this output changes no state in which it may give it. */
  readonly isRead: (input: Input, output: Output) => boolean;
  /**
   * Whether a call that has not happened when the object is in this state, and that cannot happen in it, can never give this
   * output any more: the search then goes no further. Default: never so.
   */
  readonly isHopeless?: (state: State, input: Input, output: Output) => boolean;
  /**
   * Whether a change that a call of unknown outcome made matters to nobody but to calls that can give their outputs only after it,
   * and hinders all others at the most: such a call may as well come right before the first that needs it. Default: never so.
   */
  readonly isQuiet?: (before: State, after: State) => boolean;
  /**
   * Operations of known outcome that come before this one in every order that explains the history it stands in: it waits for
   * them. Default: none.
   */
  readonly awaits?: (operation: Operation<Input, Output>) => readonly Operation<Input, Output>[];
  /**
   * The state after a call that may come now and, in every order that goes on from here, may as well come at once, as it hinders
   * nobody; undefined where it may not, or may be needed later. Asked when what it awaits is done. Default: always undefined.
   */
  readonly stepAtOnce?: (state: State, input: Input, output: Output | undefined) => State | undefined;
  /** What outputs say about how often the object has changed. Default: nothing. */
  readonly age?: {
    /** A number that no step makes smaller. */
    readonly of: (state: State) => number;
    /** The greatest age after a call that gave this output; infinite where the output does not say. */
    readonly atMost: (output: Output) => number;
  };
  /** The same text for two states if and only if they are equal. */
  readonly keyOf: (state: State) => string;
  /** Splits a history into parts that do not touch each other, where the model allows it. Default: one part. */
  readonly partition?: (
    history: readonly Operation<Input, Output>[],
  ) => readonly (readonly Operation<Input, Output>[])[];
}

export interface Operation<Input, Output> {
  readonly input: Input;
  /** Undefined: nobody knows, and it may never have happened. Its return is then without meaning. */
  readonly output: Output | undefined;
  readonly calledAt: number;
  /** After `calledAt`. An operation that returned at a time precedes one that was called at that time. */
  readonly returnedAt: number;
}

export type LinearResult<State, Input, Output> =
  | { readonly kind: "linearizable" }
  /** `done`: the longest order that was found; then, in this state, none of `stuck` could come next. */
  | {
      readonly kind: "violation";
      readonly done: readonly Operation<Input, Output>[];
      readonly stuck: readonly Operation<Input, Output>[];
      readonly state: State;
    }
  /** After so many steps of the model. The rest is as for a violation, and may be no more than bad luck. */
  | {
      readonly kind: "gaveUp";
      readonly steps: number;
      readonly done: readonly Operation<Input, Output>[];
      readonly stuck: readonly Operation<Input, Output>[];
    };

export interface LinearOptions {
  /** Steps of the model for each part of the history. From 1; default 1,000,000. */
  readonly stepsMax?: number;
}

const STEPS_MAX = 1_000_000;

export function checkLinearizable<State, Input, Output>(
  model: LinearModel<State, Input, Output>,
  history: readonly Operation<Input, Output>[],
  { stepsMax = STEPS_MAX }: LinearOptions = {},
): LinearResult<State, Input, Output> {
  for (const part of model.partition?.(history) ?? [history]) {
    const result = new Search(model, part, stepsMax).run();
    if (result.kind !== "linearizable") return result;
  }
  return { kind: "linearizable" };
}

/** A place in the search. */
interface Choice<State> {
  readonly state: State;
  /** How many operations were done. */
  readonly depth: number;
  /** What else may come next, and the states it leads to, the last first. */
  readonly left: { readonly index: number; readonly state: State }[];
  /** Whether operations with unknown outcomes were looked at. They are only where nothing else leads on. */
  triedUnknown: boolean;
  tried: boolean;
}

class Search<State, Input, Output> {
  readonly #model: LinearModel<State, Input, Output>;
  /** Those with an output by the time of their call, then the unknown ones. */
  readonly #operations: readonly Operation<Input, Output>[];
  readonly #known: number;
  /** By operation: those that wait for it, and of how many that are not done it waits itself. */
  readonly #waiting: readonly (readonly number[])[];
  readonly #awaited: number[];
  readonly #stepsMax: number;
  readonly #isDone: boolean[];
  /** Every known operation before this one is done. */
  #base = 0;
  /** What says how old the object may be, the youngest first: all before `#youngest` are done. */
  readonly #ages: readonly { readonly index: number; readonly atMost: number }[];
  readonly #agePlaces = new Map<number, number>();
  #youngest = 0;
  /** What may come next, until something is done or undone. */
  #first: readonly number[] | undefined;
  /** Indexes in the order in which they were done. */
  readonly #order: number[] = [];
  readonly #deadEnds = new Set<string>();
  #steps = 0;
  #longest: { order: readonly number[]; state: State; stuck: readonly number[] } | undefined;

  constructor(
    model: LinearModel<State, Input, Output>,
    history: readonly Operation<Input, Output>[],
    stepsMax: number,
  ) {
    this.#model = model;
    const byCall = [...history].sort((a, b) => a.calledAt - b.calledAt);
    const known = byCall.filter(({ output }) => output !== undefined);
    this.#operations = [...known, ...byCall.filter(({ output }) => output === undefined)];
    this.#known = known.length;
    this.#stepsMax = stepsMax;
    this.#isDone = this.#operations.map(() => false);
    this.#waiting = waitingIn(model, this.#operations);
    this.#awaited = this.#operations.map(() => 0);
    for (const index of this.#waiting.flat()) this.#awaited[index]!++;
    this.#ages = agesIn(model, known);
    for (const [place, { index }] of this.#ages.entries()) this.#agePlaces.set(index, place);
  }

  run(): LinearResult<State, Input, Output> {
    const choices: Choice<State>[] = [];
    let state: State | undefined = this.#model.init;
    for (;;) {
      if (this.#steps > this.#stepsMax) return this.#gaveUp();
      if (state === undefined) {
        state = this.#goBack(choices);
        if (state === undefined) return this.#violation();
      }
      state = this.#takeAtOnce(state);
      if (this.#base === this.#known) return { kind: "linearizable" };
      state = this.#choose(state, choices);
    }
  }

  /** Does one of those that may come next, and remembers the place for the others; undefined where there is none. */
  #choose(state: State, choices: Choice<State>[]): State | undefined {
    // While nothing has failed, no place needs a name.
    if (this.#deadEnds.size > 0 && this.#deadEnds.has(this.#placeOf(state))) return undefined;
    if (this.#minimal().some((index) => this.#isHopeless(state, index))) {
      this.#onDeadEnd(state);
      return undefined;
    }
    const left = this.#candidates(state, (index) => index < this.#known && !this.#isRead(index));
    const choice = { state, depth: this.#order.length, left, triedUnknown: false, tried: false };
    choices.push(choice);
    return this.#next(choice);
  }

  /** The next that this place has to try; undefined where all were tried. */
  #next(choice: Choice<State>): State | undefined {
    if (choice.left.length === 0 && !choice.triedUnknown) {
      choice.triedUnknown = true;
      choice.left.push(...this.#candidates(choice.state, (index) => index >= this.#known));
    }
    const candidate = choice.left.pop();
    if (candidate === undefined) {
      if (!choice.tried) this.#onDeadEnd(choice.state);
      return undefined;
    }
    choice.tried = true;
    this.#do(candidate.index);
    return candidate.state;
  }

  /** The last first. An unknown operation that would change nothing that is of use may as well come later, or never. */
  #candidates(state: State, isAsked: (index: number) => boolean): { index: number; state: State }[] {
    const found: { index: number; state: State }[] = [];
    for (const index of this.#minimal()) {
      if (!isAsked(index)) continue;
      const next = this.#step(state, index);
      if (next === undefined) continue;
      const isUseless = index >= this.#known && (next === state || !this.#isOfUse(state, next));
      if (!isUseless) found.push({ index, state: next });
    }
    return found.reverse();
  }

  /** Whether anybody can see this change, or can come next for it alone. */
  #isOfUse(before: State, after: State): boolean {
    if (this.#model.isQuiet?.(before, after) !== true) return true;
    return this.#minimal().some(
      (index) =>
        index < this.#known &&
        this.#step(before, index) === undefined &&
        this.#step(after, index) !== undefined,
    );
  }

  /** To the last place that has something left to try. */
  #goBack(choices: Choice<State>[]): State | undefined {
    for (let choice = choices.at(-1); choice !== undefined; choice = choices.at(-1)) {
      while (this.#order.length > choice.depth) {
        const index = this.#order.pop()!;
        this.#undo(index);
      }
      const next = this.#next(choice);
      if (next !== undefined) return next;
      this.#deadEnds.add(this.#placeOf(choice.state));
      choices.pop();
    }
    return undefined;
  }

  #onDeadEnd(state: State): void {
    if (this.#order.length < (this.#longest?.order.length ?? 0)) return;
    this.#longest = { order: [...this.#order], state, stuck: this.#minimal() };
  }

  /** Does all that is best done at once, until there is none of it. */
  #takeAtOnce(from: State): State {
    let state = from;
    for (let took = true; took; ) {
      took = false;
      for (const index of this.#minimal()) {
        const next = this.#atOnce(state, index);
        if (next === undefined) continue;
        this.#do(index);
        state = next;
        took = true;
      }
    }
    return state;
  }

  /** The state after what can come next for good, as nothing is lost by it; undefined where it cannot, or may be needed later. */
  #atOnce(state: State, index: number): State | undefined {
    if (this.#isRead(index)) return this.#step(state, index) === undefined ? undefined : state;
    const { input, output } = this.#operations[index]!;
    return this.#model.stepAtOnce?.(state, input, output);
  }

  /** Operations that may come next: not done, and called before any known one that is not done returned: known ones first. */
  #minimal(): readonly number[] {
    this.#first ??= this.#findMinimal();
    return this.#first;
  }

  #findMinimal(): readonly number[] {
    const found: number[] = [];
    let firstReturn = Number.POSITIVE_INFINITY;
    for (let index = this.#base; index < this.#known; index++) {
      const { calledAt, returnedAt } = this.#operations[index]!;
      if (calledAt >= firstReturn) break;
      if (this.#isDone[index]) continue;
      found.push(index);
      if (returnedAt < firstReturn) firstReturn = returnedAt;
    }
    const isCalled = (index: number): boolean => this.#operations[index]!.calledAt < firstReturn;
    const first = found.filter((index) => isCalled(index) && this.#awaited[index] === 0);
    for (let index = this.#known; index < this.#operations.length && isCalled(index); index++)
      if (!this.#isDone[index] && this.#awaited[index] === 0) first.push(index);
    return first;
  }

  #isRead(index: number): boolean {
    const { input, output } = this.#operations[index]!;
    return output !== undefined && this.#model.isRead(input, output);
  }

  #isHopeless(state: State, index: number): boolean {
    const { input, output } = this.#operations[index]!;
    return output !== undefined && this.#model.isHopeless?.(state, input, output) === true;
  }

  #step(state: State, index: number): State | undefined {
    this.#steps++;
    const { input, output } = this.#operations[index]!;
    const next = this.#model.step(state, input, output);
    return next === undefined || next === state || !this.#isTooOld(next) ? next : undefined;
  }

  /** Whether a call of known outcome that is still to come was answered by a younger object. */
  #isTooOld(state: State): boolean {
    const youngest = this.#ages[this.#youngest];
    return youngest !== undefined && this.#model.age!.of(state) > youngest.atMost;
  }

  #do(index: number): void {
    this.#isDone[index] = true;
    this.#order.push(index);
    this.#first = undefined;
    for (const waiting of this.#waiting[index]!) this.#awaited[waiting]!--;
    while (this.#base < this.#known && this.#isDone[this.#base]) this.#base++;
    while (this.#youngest < this.#ages.length && this.#isDone[this.#ages[this.#youngest]!.index])
      this.#youngest++;
  }

  #undo(index: number): void {
    this.#isDone[index] = false;
    this.#first = undefined;
    for (const waiting of this.#waiting[index]!) this.#awaited[waiting]!++;
    if (index < this.#base) this.#base = index;
    this.#youngest = Math.min(this.#youngest, this.#agePlaces.get(index) ?? this.#youngest);
  }

  /** What was done, and the state: whoever comes here again gets no further. */
  #placeOf(state: State): string {
    const beyond: number[] = [];
    for (let index = this.#base; index < this.#operations.length; index++)
      if (this.#isDone[index]) beyond.push(index);
    return `${this.#base} ${beyond.join(" ")} ${this.#model.keyOf(state)}`;
  }

  #gaveUp(): LinearResult<State, Input, Output> {
    const { order, stuck } = this.#longest ?? { order: this.#order, stuck: this.#minimal() };
    const at = (index: number): Operation<Input, Output> => this.#operations[index]!;
    return { kind: "gaveUp", steps: this.#steps, done: order.map(at), stuck: stuck.map(at) };
  }

  #violation(): LinearResult<State, Input, Output> {
    const { order, state, stuck } = this.#longest!;
    const at = (index: number): Operation<Input, Output> => this.#operations[index]!;
    return { kind: "violation", done: order.map(at), stuck: stuck.map(at), state };
  }
}

/** The operations whose outputs say how old the object was, by that age. */
function agesIn<State, Input, Output>(
  { age }: LinearModel<State, Input, Output>,
  known: readonly Operation<Input, Output>[],
): readonly { readonly index: number; readonly atMost: number }[] {
  if (age === undefined) return [];
  return known
    .map(({ output }, index) => ({ index, atMost: age.atMost(output!) }))
    .filter(({ atMost }) => atMost < Number.POSITIVE_INFINITY)
    .sort((a, b) => a.atMost - b.atMost || a.index - b.index);
}

/** By operation: the places of those that wait for it. */
function waitingIn<State, Input, Output>(
  { awaits }: LinearModel<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
): readonly (readonly number[])[] {
  const waiting = operations.map((): number[] => []);
  const places = new Map(operations.map((operation, index) => [operation, index]));
  operations.forEach((operation, index) => {
    for (const before of awaits?.(operation) ?? []) {
      const place = places.get(before);
      if (place !== undefined) waiting[place]!.push(index);
    }
  });
  return waiting;
}
