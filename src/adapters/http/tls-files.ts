/**
 * The files that a node is known by, looked at before anybody is spoken to: what is wrong with them is told here, by the
 * file's name, and not by whichever handshake fails of it first.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { BicoastalError } from "../../base/errors.ts";
import type { TlsFiles } from "./security.ts";

export interface TlsContents {
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
}

type Part = "ca" | "cert" | "key";

/** Throws USAGE where a file cannot be read, is none, or does not fit the others now, naming it. */
export function readTlsFiles(files: TlsFiles, nowMs = Date.now()): TlsContents {
  const contents = { ca: read(files, "ca"), cert: read(files, "cert"), key: read(files, "key") };
  const authorities = certificatesIn(files, "ca", contents.ca);
  const [own, ...chain] = certificatesIn(files, "cert", contents.cert);
  if (own === undefined) throw wrong(files, "cert", "holds no certificate");
  if (!isKeyOf(files, contents.key, own)) throw wrong(files, "key", `is not the key of ${files.cert}`);
  for (const [part, certificates] of [
    ["ca", authorities],
    ["cert", [own]],
  ] as const) {
    // Of several authorities one may be on its way out.
    if (certificates.every((certificate) => Date.parse(certificate.validTo) < nowMs))
      throw wrong(files, part, `has expired: it was valid until ${latest(certificates)}`);
  }
  if (Date.parse(own.validFrom) > nowMs)
    throw wrong(
      files,
      "cert",
      `is not valid before ${dateOf(own.validFrom)}; is this machine's clock right?`,
    );
  if (!isTrusted(own, [...chain, ...authorities]))
    throw wrong(files, "cert", `is not signed by the authority in ${files.ca}`);
  return contents;
}

/** When the certificate expires, ms since 1970. Throws as `readTlsFiles`. */
export function expiryOf(files: TlsFiles): number {
  const [own] = certificatesIn(files, "cert", readTlsFiles(files).cert);
  return own === undefined ? 0 : Date.parse(own.validTo);
}

/** Throws USAGE where others, who reach this node at the address (`host:port`), would not take its certificate for its own. */
export function assertNamed(files: TlsFiles, address: string): void {
  const host = files.serverName ?? address.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  const [own] = certificatesIn(files, "cert", read(files, "cert"));
  const isNamed = isIP(host) > 0 ? own?.checkIP(host) : own?.checkHost(host, { subject: "never" });
  if (isNamed !== undefined) return;
  const names = own?.subjectAltName?.replaceAll(/DNS:|IP Address:/g, "") ?? "nobody";
  const message = `The certificate ${files.cert} is not for ${host}, where other nodes reach this one: it is for ${names}. Give one that names ${host} (for trying out: bicoastal certs NAME=${host}), or the address that it names with --address.`;
  throw new BicoastalError("USAGE", message, { details: { option: "tls-cert", file: files.cert, host } });
}

function read(files: TlsFiles, part: Part): Buffer {
  try {
    return readFileSync(files[part]);
  } catch (cause) {
    const path = files[part];
    const message = `The file ${path} for TLS (${part}) cannot be read. Check the path and its permissions.`;
    throw new BicoastalError("USAGE", message, { details: { option: `tls-${part}`, path }, cause });
  }
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

function certificatesIn(files: TlsFiles, part: "ca" | "cert", pem: Buffer): readonly X509Certificate[] {
  const texts = pem.toString("latin1").match(PEM_CERTIFICATE) ?? [];
  if (texts.length === 0) throw wrong(files, part, "holds no certificate in PEM form");
  try {
    return texts.map((text) => new X509Certificate(text));
  } catch (cause) {
    throw wrong(files, part, "holds a certificate that is damaged", cause);
  }
}

function isKeyOf(files: TlsFiles, pem: Buffer, certificate: X509Certificate): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(pem));
  } catch (cause) {
    throw wrong(files, "key", "holds no private key in PEM form without a passphrase", cause);
  }
}

const isTrusted = (own: X509Certificate, others: readonly X509Certificate[]): boolean =>
  others.some((other) => own.checkIssued(other) && own.verify(other.publicKey));

const dateOf = (text: string): string => new Date(text).toISOString().slice(0, 16).replace("T", " ");
const latest = (certificates: readonly X509Certificate[]): string =>
  certificates
    .map(({ validTo }) => dateOf(validTo))
    .sort()
    .at(-1) ?? "";

function wrong(files: TlsFiles, part: Part, what: string, cause?: unknown): BicoastalError {
  return new BicoastalError(
    "USAGE",
    `The file ${files[part]} for TLS (${part}) ${what}. Give the authority's certificate with --tls-ca, and with --tls-cert and --tls-key a certificate that it signed and its key; for trying out, bicoastal certs makes all three.`,
    { details: { option: `tls-${part}`, file: files[part] }, cause },
  );
}
