/** Which fields of a record can be named where an operator takes a name in place of a function. */
import type { Key } from "./key.ts";

/** The fields of `T` that hold a `Value` or nothing. */
type FieldsWith<T, Value> = [T] extends [object]
  ? T extends readonly unknown[]
    ? never
    : { [Name in keyof T & string]-?: T[Name] extends Value | null | undefined ? Name : never }[keyof T &
        string]
  : never;

/** Fields that can be keys: functions, which a class has, cannot. */
export type KeyField<T> = Exclude<FieldsWith<T, Key>, FieldsWith<T, (...args: never[]) => unknown>>;
/** Fields that can be added up. */
export type NumberField<T> = FieldsWith<T, number>;
/** Fields that have a least and a greatest. */
export type OrderedField<T> = FieldsWith<T, number> | FieldsWith<T, string>;

/** What a field holds. */
export type FieldOf<T, Name> = Name extends keyof T ? T[Name] : never;

/** What has a value or nothing; `Missing` is null where it can be nothing, and so can the result. */
type OrNull<Value, Result> = [Extract<Value, null | undefined>] extends [never] ? Result : Result | null;

/** Of sums and averages: null only where a key may have no value at all. */
export type NumberResult<Value> = OrNull<Value, number>;
/** Of the least and the greatest. */
export type OrderedResult<Value> = OrNull<Value, NonNullable<Value>>;
