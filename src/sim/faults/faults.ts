import type { Prng } from "../../base/prng.ts";
import type { Scheduler } from "../scheduler.ts";
import type { Trace } from "../trace.ts";
import type { CrashPoints } from "./crash-points.ts";
import { type FaultRates, NO_FAULTS } from "./rates.ts";
import { CALM_WEATHER, drawStorm, type Weather } from "./storms.ts";

/** What all that can fail in one world has in common: the rates in force, who draws, and who is told. */
export class Faults {
  readonly scheduler: Scheduler;
  readonly random: Prng;
  readonly trace: Trace;
  readonly points: CrashPoints;
  /** As the seed has drawn them. */
  readonly drawn: FaultRates;
  readonly weather: Weather;
  #rates: FaultRates;
  /** No quorum: nobody can ask the store anything. */
  storeAway = false;
  /** How often the store was set back: what is asked before and answered after gets no answer. */
  setBacks = 0;

  constructor(parts: {
    readonly scheduler: Scheduler;
    readonly random: Prng;
    readonly trace: Trace;
    readonly points: CrashPoints;
    readonly drawn: FaultRates;
    readonly weather?: Weather;
  }) {
    this.scheduler = parts.scheduler;
    this.random = parts.random;
    this.trace = parts.trace;
    this.points = parts.points;
    this.drawn = parts.drawn;
    this.#rates = parts.drawn;
    this.weather = parts.weather ?? CALM_WEATHER;
  }

  get rates(): FaultRates {
    return this.#rates;
  }
  get stopped(): boolean {
    return this.#rates === NO_FAULTS;
  }

  stop(): void {
    this.#rates = NO_FAULTS;
    this.storeAway = false;
  }

  /** Has storms come and go, where there are any, until the faults stop. */
  brew(): void {
    const { random, scheduler, trace, weather } = this;
    if (weather.stormMsMax === 0) return;
    scheduler.after(random.below(weather.lullMsMax), () => {
      if (this.stopped) return;
      const storm = drawStorm(random);
      const forMs = random.below(weather.stormMsMax);
      trace.say("", `a storm for ${forMs} ms: ${storm.name}`);
      trace.met("storm");
      this.#rates = { ...this.drawn, ...storm.rates };
      scheduler.after(forMs, () => {
        if (this.stopped) return;
        this.#rates = this.drawn;
        this.brew();
      });
    });
  }

  /** Draws whether this fault happens, and tells of it if so. */
  happens(kind: keyof FaultRates, where: () => string): boolean {
    const probability = this.#rates[kind];
    if (probability === 0 || !this.random.chance(probability)) return false;
    this.trace.fault(kind, where());
    return true;
  }

  /** Again and again at random, the mean given, as long as faults are on and `going`. */
  every(meanMs: number, fault: () => void, going: () => boolean): void {
    if (meanMs === 0) return;
    this.scheduler.after(this.random.below(2 * meanMs), () => {
      if (this.stopped || !going()) return;
      fault();
      this.every(meanMs, fault, going);
    });
  }
}
