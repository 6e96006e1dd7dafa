/** `etcd://[user[:password]@]host[:port],…[/prefix][?option=…&…]`: one text for all that is needed to reach a cluster. */
import { BicoastalError } from "../../base/errors.ts";

const PORT = 2379;
const PREFIX_BYTES_MAX = 128;
const MEMBERS_MAX = 32;

/** Paths of PEM files; without a CA, those that Node trusts. */
export interface EtcdTlsFiles {
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}
export interface EtcdAddress {
  /** `host:port` of each member, in no particular order. */
  readonly endpoints: readonly string[];
  /** Default: no TLS. */
  readonly tls?: EtcdTlsFiles | undefined;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** Instead of `password`, which others on the machine might see on a command line. A line break at its end is dropped. */
  readonly passwordFile?: string | undefined;
  /** Begins each key of the store; default "bicoastal/". */
  readonly prefix?: string | undefined;
}

const optionNames = ["ca", "cert", "key", "password-file", "tls"] as const;
type OptionName = (typeof optionNames)[number];

export const isEtcdUrl = (text: string): boolean => /^etcds?:\/\//i.test(text);

/** `scheme:/…`, of more than the letter of a drive, or anything that begins as etcd's addresses do. */
const LIKE_URL = /^([a-z][a-z0-9+.-]+:\/|etcds?:)/i;
/** `host:port`, alone or before a comma. */
const LIKE_HOSTS = /^[^/\\]+:\d{1,5}(,|$)/;

/**
 * Throws USAGE for what can only have been meant as the address of a store and is none: as the name of a directory it would
 * make a cluster of its own, that nobody else belongs to.
 */
export function assertDirectory(text: string): void {
  if (LIKE_URL.test(text)) throw wrong(text, "it is neither etcd://HOST:2379,… nor a directory");
  if (LIKE_HOSTS.test(text))
    throw wrong(
      text,
      "members of etcd are named by etcd://HOST:2379,…, and a directory of such a name as ./NAME",
    );
}

/**
 * `etcds:` and each of the options `ca`, `cert` and `key` mean TLS, as `tls=true` does. The prefix "/team" makes keys that
 * begin with "team/". Throws USAGE, and never shows the password.
 */
export function parseEtcdUrl(text: string): EtcdAddress {
  const parts = /^(etcds?):\/\/(?:([^@/?]*)@)?([^/?@]*)(?:\/([^?]*))?(?:\?(.*))?$/i.exec(text);
  if (parts === null) throw wrong(text, "it does not look like etcd://host1:2379,host2:2379");
  const [, scheme = "", login, hosts = "", path = "", query = ""] = parts;
  const options = optionsOf(text, query);
  const { ca, cert, key, "password-file": passwordFile, tls } = options;
  if (tls !== undefined && tls !== "true" && tls !== "false")
    throw wrong(text, `tls is true or false, not ${part(text, tls)}`);
  if ((cert === undefined) !== (key === undefined)) throw wrong(text, "cert and key come together");
  const isTls = scheme.toLowerCase() === "etcds" || tls === "true" || ca !== undefined || cert !== undefined;
  if (isTls && tls === "false") throw wrong(text, "it says tls=false, and TLS elsewhere");
  const [user, password] = loginOf(text, login);
  if (passwordFile !== undefined && (user === undefined || password !== undefined))
    throw wrong(text, "password-file comes with a user, and without a password");
  if (user !== undefined && password === undefined && passwordFile === undefined)
    throw wrong(text, "the user has no password: write user:password@, or name a file with password-file");
  return {
    endpoints: endpointsOf(text, hosts),
    tls: isTls ? { caFile: ca, certFile: cert, keyFile: key } : undefined,
    user,
    password,
    passwordFile,
    prefix: prefixOf(text, path),
  };
}

function endpointsOf(text: string, hosts: string): readonly string[] {
  const endpoints = hosts.split(",").map((host) => {
    const parts = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/i.exec(host);
    if (parts === null) throw wrong(text, `"${part(text, host)}" is not a host, or a host and a port`);
    const [, name = "", port = String(PORT)] = parts;
    if (Number(port) < 1 || Number(port) > 65_535) throw wrong(text, `${part(text, port)} is not a port`);
    return `${name}:${Number(port)}`;
  });
  const twice = endpoints.find((endpoint, i) => endpoints.indexOf(endpoint) !== i);
  if (twice !== undefined) throw wrong(text, `${part(text, twice)} is there twice`);
  if (endpoints.length > MEMBERS_MAX) throw wrong(text, `${MEMBERS_MAX} members are the most`);
  return endpoints;
}

function loginOf(text: string, login: string | undefined): [user?: string, password?: string] {
  if (login === undefined) return [];
  const [user = "", ...rest] = login.split(":");
  if (user === "") throw wrong(text, "the user before @ is empty");
  const password = rest.length === 0 ? undefined : decoded(text, rest.join(":"));
  return password === undefined ? [decoded(text, user)] : [decoded(text, user), password];
}

function prefixOf(text: string, path: string): string | undefined {
  const prefix = decoded(text, path).replace(/\/+$/, "");
  if (prefix === "") return undefined;
  if (Buffer.byteLength(prefix) > PREFIX_BYTES_MAX)
    throw wrong(text, `the prefix is longer than ${PREFIX_BYTES_MAX} bytes`);
  return `${prefix}/`;
}

function optionsOf(text: string, query: string): Partial<Record<OptionName, string>> {
  const options: Partial<Record<OptionName, string>> = {};
  for (const [name, value] of new URLSearchParams(query)) {
    const known = optionNames.find((option) => option === name);
    if (known === undefined)
      throw wrong(text, `it has no option "${part(text, name)}", only ${optionNames.join(", ")}`);
    if (options[known] !== undefined) throw wrong(text, `the option ${known} is there twice`);
    if (value === "") throw wrong(text, `the option ${known} is empty`);
    options[known] = value;
  }
  return options;
}

function decoded(text: string, part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw wrong(
      text,
      "a % in it is not followed by two hexadecimal digits: write %25 for the character itself",
    );
  }
}

const SCHEME = /^[a-z]*:\/\//i;

const wrong = (text: string, what: string): BicoastalError => {
  const [scheme = ""] = SCHEME.exec(text) ?? [];
  const secret = secretOf(text);
  const rest = secret === "" ? text.slice(scheme.length) : `…${text.slice(secret.length)}`;
  const shown = JSON.stringify(`${scheme}${rest}`.slice(0, 200));
  return new BicoastalError("USAGE", `The store's address ${shown} is not right: ${what}.`);
};

/** Whatever stands before the last @ may hold a password, even where nothing else is right. */
const secretOf = (text: string): string => text.slice(0, Math.max(0, text.lastIndexOf("@")));

/** A part of the text that may be shown: a password with a / in it looks like a host, and one with a ? like an option. */
const part = (text: string, some: string): string =>
  some !== "" && (some.includes("@") || secretOf(text).includes(some))
    ? "what comes before the last @"
    : some;
