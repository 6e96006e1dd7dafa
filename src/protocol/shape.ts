/** Says whether decoded JSON is of a shape. Fields beyond it are fine: nobody reads them. */
export type Shape = (value: unknown) => boolean;

export type Fields = Readonly<Record<string, unknown>>;

export const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const isText = (value: unknown): value is string => typeof value === "string";
export const isFlag: Shape = (value) => typeof value === "boolean";
/** JSON has no other numbers than finite ones. */
export const isNumber = (value: unknown): value is number => typeof value === "number";
export const isWhole: Shape = (value) => Number.isSafeInteger(value);
export const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0;

export const optional =
  (shape: Shape): Shape =>
  (value) =>
    value === undefined || shape(value);

export const oneOf =
  (...values: readonly string[]): Shape =>
  (value) =>
    isText(value) && values.includes(value);

export const listOf =
  (shape: Shape): Shape =>
  (value) =>
    Array.isArray(value) && value.every(shape);

/** Each field of the object, whatever its name, is of the shape. */
export const mapOf =
  (shape: Shape): Shape =>
  (value) =>
    isFields(value) && Object.values(value).every(shape);

export const fieldsOf = (shapes: Readonly<Record<string, Shape>>): Shape => {
  const entries = Object.entries(shapes);
  return (value) =>
    isFields(value) &&
    entries.every(([name, shape]) => shape(Object.hasOwn(value, name) ? value[name] : undefined));
};

/** The object's field `kind` says which shape it has. */
export const kindsOf =
  (shapes: Readonly<Record<string, Shape>>): Shape =>
  (value) =>
    isFields(value) && isText(value.kind) && Object.hasOwn(shapes, value.kind) && shapes[value.kind]!(value);
