/** Numbers that there are more and more of, in typed arrays. */
export type Room =
  | Uint8Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>;

const ROOM_MIN = 1 << 10;
/** Less than double: the whole of it counts as used memory. */
const GROWTH = 1.5;

/** The same array where it has room for so many, else a larger one with its content. */
export function roomFor<T extends Room>(room: T, count: number): T {
  if (count <= room.length) return room;
  const length = Math.max(ROOM_MIN, count, Math.ceil(room.length * GROWTH));
  const larger = new (room.constructor as new (length: number) => T)(length);
  return grown(room, larger);
}

/** The larger array, with all that the smaller one holds. */
export function grown<T extends Room>(from: T, to: T): T {
  to.set(from);
  return to;
}
