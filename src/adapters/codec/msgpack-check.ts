/**
 * Looks over MessagePack bytes before they are decoded: arrays and maps must not claim more elements, all together,
 * than there are bytes. A decoder makes room first and finds out later, so that a few bytes could take gigabytes.
 * Whatever else is wrong with them, the decoder finds.
 *
 * The bytes are gone through value by value without minding which is inside which: msgpackr's own extensions (a record,
 * a set, an error) are a head of a few bytes, and what belongs to them follows as values.
 *
 * https://github.com/msgpack/msgpack/blob/master/spec.md
 */

/** Throws RangeError. */
export function checkClaims(bytes: Uint8Array): void {
  new ClaimCheck(bytes).values(0, bytes.length);
}

/** Extensions whose content is no values: typed arrays, large bigints, dates. */
const OPAQUE: ReadonlySet<number> = new Set([0x74, 0x42, 0xff]);

class ClaimCheck {
  readonly #view: DataView;
  #left: number;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#left = bytes.length;
  }

  /** Where bytes end too early, the view throws or the decoder does. */
  values(from: number, to: number): void {
    const view = this.#view;
    for (let at = from; at < to; ) {
      const type = view.getUint8(at++);
      if (type < 0x80 || type >= 0xe0) continue;
      if (type < 0x90) this.#claim((type & 15) * 2);
      else if (type < 0xa0) this.#claim(type & 15);
      else if (type < 0xc0) at += type & 31;
      else at += this.#longer(type, at);
    }
  }

  /** Bytes behind the first one of a value that says its length in others, or by its type. */
  #longer(type: number, at: number): number {
    const view = this.#view;
    switch (type) {
      case 0xc4:
      case 0xd9:
        return 1 + view.getUint8(at);
      case 0xc5:
      case 0xda:
        return 2 + view.getUint16(at);
      case 0xc6:
      case 0xdb:
        return 4 + view.getUint32(at);
      case 0xc7:
        return this.#extension(at + 1, view.getUint8(at)) + 1;
      case 0xc8:
        return this.#extension(at + 2, view.getUint16(at)) + 2;
      case 0xc9:
        return this.#extension(at + 4, view.getUint32(at)) + 4;
      case 0xcc:
      case 0xd0:
        return 1;
      case 0xcd:
      case 0xd1:
        return 2;
      case 0xca:
      case 0xce:
      case 0xd2:
        return 4;
      case 0xcb:
      case 0xcf:
      case 0xd3:
        return 8;
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.#extension(at, 1 << (type - 0xd4));
      case 0xdc:
        this.#claim(view.getUint16(at));
        return 2;
      case 0xdd:
        this.#claim(view.getUint32(at));
        return 4;
      case 0xde:
        this.#claim(view.getUint16(at) * 2);
        return 2;
      case 0xdf:
        this.#claim(view.getUint32(at) * 2);
        return 4;
      default:
        return 0;
    }
  }

  /** @returns The bytes of its type and content. */
  #extension(at: number, length: number): number {
    // A decoder may look for values in what an extension holds.
    const end = Math.min(at + 1 + length, this.#view.byteLength);
    if (length > 1 && !OPAQUE.has(this.#view.getUint8(at))) this.values(at + 1, end);
    return 1 + length;
  }

  #claim(elements: number): void {
    this.#left -= elements;
    if (this.#left < 0) throw new RangeError("they claim to hold more values than bytes");
  }
}
