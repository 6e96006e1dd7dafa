import { expect, test } from "vitest";
import { etcdVersionWarning } from "./status.ts";

test.each([
  ["3.4.23", "3.4.42 or newer"],
  ["3.4.41", "3.4.42 or newer"],
  ["3.5.27", "3.5.28 or newer"],
  ["3.6.0", "3.6.9 or newer"],
  ["3.6.0-rc.1", "3.6.9 or newer"],
  ["3.3.27", "not supported"],
  ["2.3.8", "not supported"],
  ["4.0.0", "not supported"],
  ["x", "not one that is known"],
])("something is known against etcd %s", (version, what) => {
  expect(etcdVersionWarning(version)).toContain(what);
});

test.each(["3.4.42", "3.4.100", "3.5.28", "3.6.9", "3.7.0"])(
  "nothing is known against etcd %s",
  (version) => {
    expect(etcdVersionWarning(version)).toBeUndefined();
  },
);
