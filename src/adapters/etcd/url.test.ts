import { describe, expect, test } from "vitest";
import { assertDirectory, isEtcdUrl, parseEtcdUrl } from "./url.ts";

describe("an address of etcd", () => {
  test("names members, and nothing more where nothing more is said", () => {
    expect(parseEtcdUrl("etcd://h1:2380,h2,[::1]:1,[fe80::1]")).toEqual({
      endpoints: ["h1:2380", "h2:2379", "[::1]:1", "[fe80::1]:2379"],
      tls: undefined,
      user: undefined,
      password: undefined,
      passwordFile: undefined,
      prefix: undefined,
    });
  });

  test("names user, password and prefix, with whatever characters", () => {
    expect(parseEtcdUrl("etcd://an%20na:p%40ss:w%2Ford@h/team%20a/b/")).toMatchObject({
      endpoints: ["h:2379"],
      user: "an na",
      password: "p@ss:w/ord",
      prefix: "team a/b/",
    });
    expect(parseEtcdUrl("etcd://anna@h?password-file=/p")).toMatchObject({
      user: "anna",
      passwordFile: "/p",
    });
  });

  test.each([
    ["etcds://h", {}],
    ["ETCDS://h", {}],
    ["etcd://h?tls=true", {}],
    ["etcd://h/?ca=/ca.pem", { caFile: "/ca.pem" }],
    ["etcds://h?cert=c&key=k", { certFile: "c", keyFile: "k" }],
  ])("%s means TLS", (text, tls) => {
    expect(parseEtcdUrl(text).tls).toEqual({
      caFile: undefined,
      certFile: undefined,
      keyFile: undefined,
      ...tls,
    });
  });

  test.each([
    ["etcd:/h", "does not look like"],
    ["etcd://", `"" is not a host`],
    ["etcd://h1,,h2", `"" is not a host`],
    ["etcd://h1, h2", `" h2" is not a host`],
    ["etcd://h1:0", "0 is not a port"],
    ["etcd://h1:65536", "65536 is not a port"],
    ["etcd://h1:x", `"h1:x" is not a host`],
    ["etcd://::1", "is not a host"],
    ["etcd://h1,h1:2379", "h1:2379 is there twice"],
    ["etcd://h1,h1:02379", "h1:2379 is there twice"],
    [`etcd://${Array.from({ length: 33 }, (_, i) => `h${i}`)}`, "32 members are the most"],
    ["etcd://h?prefix=x", `no option "prefix"`],
    ["etcd://h?ca=", "ca is empty"],
    ["etcd://h?ca=1&ca=2", "ca is there twice"],
    ["etcd://h?tls=yes", "true or false, not yes"],
    ["etcds://h?tls=false", "tls=false, and TLS elsewhere"],
    ["etcd://h?cert=c", "cert and key come together"],
    ["etcd://anna@h", "the user has no password"],
    ["etcd://@h", "the user before @ is empty"],
    ["etcd://a:b@h?password-file=f", "password-file comes with"],
    ["etcd://h?password-file=f", "password-file comes with"],
    ["etcd://h/%zz", "%25"],
    [`etcd://h/${"x".repeat(129)}`, "longer than 128 bytes"],
  ])("%s is refused", (text, what) => {
    expect(() => parseEtcdUrl(text)).toThrowError(
      expect.objectContaining({ code: "USAGE", message: expect.stringContaining(what) }),
    );
  });

  test.each([
    "etcd://anna:secret@h:x",
    "etcd://anna:secret@h1@h2",
    "etcds://anna:se/secret@h",
    "etcd://a:secret@h?x=1",
    "etcd://anna:secret/x@h",
    "etcd://anna:secret?x@h",
    "etcd://anna:?secret@h",
    "etcd://anna:secret\n@h:x",
  ])("the password of %s is not shown", (text) => {
    expect(() => parseEtcdUrl(text)).toThrowError(
      expect.objectContaining({ message: expect.not.stringContaining("secret") }),
    );
  });

  test("is told from a path", () => {
    expect(["etcd://h", "etcds://h", "/data/etcd", "etcd:h"].map(isEtcdUrl)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  test.each([
    ["http://h1:2379", "neither etcd://HOST:2379,… nor a directory"],
    ["ectd://anna:secret@h1", '"ectd://…@h1" is not right'],
    ["etcd:/h1", "neither"],
    ["etcd:h1:2379", "neither"],
    ["s3://bucket/store", "neither"],
    ["h1:2379", "etcd://HOST:2379"],
    ["h1:2379,h2:2379", "etcd://HOST:2379"],
  ])("what was meant as one is not taken for a directory: %s", (text, what) => {
    expect(() => assertDirectory(text)).toThrowError(
      expect.objectContaining({ code: "USAGE", message: expect.stringContaining(what) }),
    );
    expect(() => assertDirectory(text)).not.toThrowError("secret");
  });

  test.each(["store", "./h1:2379", "/data/etcd", "../etcds", "C:\\data", "C:/data", "etcd", "a b:c"])(
    "a directory is none: %s",
    (text) => expect(() => assertDirectory(text)).not.toThrow(),
  );
});
