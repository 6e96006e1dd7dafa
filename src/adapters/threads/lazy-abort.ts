/**
 * What `ctx.signal` stands on. Hardly any function looks at the signal, and one costs as much as a small task: so it is
 * made when somebody asks for it.
 */
export class LazyAbort {
  #controller: AbortController | undefined;
  #aborted = false;

  /** The same one each time; aborted already where `abort` came first. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  abort(): void {
    this.#aborted = true;
    this.#controller?.abort();
  }
}
