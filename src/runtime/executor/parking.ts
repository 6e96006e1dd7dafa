/** Where a call of `run` or `connect` that never settles makes itself heard: its module is evaluated no further. */
export class Parking {
  readonly #callbacks = new Set<() => void>();

  /** For the stand-ins of `run` and `connect`. */
  readonly park = (): void => {
    for (const callback of [...this.#callbacks]) callback();
  };

  /** Calls back at every `park`. Returns a function that ends it. */
  readonly onParked = (callback: () => void): (() => void) => {
    this.#callbacks.add(callback);
    return () => void this.#callbacks.delete(callback);
  };
}
