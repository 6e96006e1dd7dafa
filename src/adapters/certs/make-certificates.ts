/**
 * A private authority in a directory, and certificates of its nodes, for trying out mutual TLS: keys lie beside each other
 * on one disk, where an authority that matters would keep its own elsewhere.
 *
 * Private keys are written so that only their owner may read them, and nothing that is there is overwritten unasked.
 */
import "reflect-metadata";
import { createPrivateKey, randomBytes, webcrypto } from "node:crypto";
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { isIP } from "node:net";
import { join, resolve } from "node:path";
import type * as X509 from "@peculiar/x509";
import { BicoastalError } from "../../base/errors.ts";

export interface CertificateRequest {
  readonly name: string;
  /** Names and addresses that others reach it by, beside its own name and this machine's loopback. */
  readonly hosts: readonly string[];
}

export interface MakeCertificates {
  readonly directory: string;
  readonly nodes: readonly CertificateRequest[];
  readonly days: number;
  /** Makes those anew that are there already. The authority is never made anew. */
  readonly renew: boolean;
  readonly nowMs: number;
}

export interface MadeCertificate {
  readonly name: string;
  /** Absolute paths. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly hosts: readonly string[];
  readonly expiresAtMs: number;
}

const DAY_MS = 86_400_000;
/** Clocks differ: a certificate made here is taken at once where it is a little earlier. */
const SKEW_MS = 600_000;
/** An authority outlives what it signs. */
const AUTHORITY_DAYS = 3_650;
const EC = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNING = { name: "ECDSA", hash: "SHA-256" } as const;
const SERIAL_BYTES = 16;
const LOOPBACK = ["localhost", "127.0.0.1", "::1"];

interface Authority {
  readonly certificate: X509.X509Certificate;
  readonly key: webcrypto.CryptoKey;
}

/** Throws USAGE where files are there already, or cannot be written or read. */
export async function makeCertificates(request: MakeCertificates): Promise<readonly MadeCertificate[]> {
  const x509 = await import("@peculiar/x509");
  x509.cryptoProvider.set(webcrypto);
  const directory = resolve(request.directory);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const authority = await authorityIn(x509, directory, request);
    const made: MadeCertificate[] = [];
    for (const node of request.nodes)
      made.push(await makeCertificate(x509, directory, authority, node, request));
    return made;
  } catch (cause) {
    if (cause instanceof BicoastalError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BicoastalError(
      "USAGE",
      `Certificates cannot be made in ${directory}: ${reason}. Name another directory with --dir.`,
      { details: { directory }, cause },
    );
  }
}

/** The one that is there, or a new one. */
async function authorityIn(
  x509: typeof X509,
  directory: string,
  { nowMs }: MakeCertificates,
): Promise<Authority> {
  const certificateFile = join(directory, "ca.pem");
  const keyFile = join(directory, "ca.key");
  const known = await textOf(certificateFile);
  if (known !== undefined) return readAuthority(x509, { certificateFile, keyFile, known }, nowMs);
  const keys = await webcrypto.subtle.generateKey(EC, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: [{ CN: ["Bicoastal, for trying out"] }, { OU: [serial().slice(0, 8)] }],
    ...validity(nowMs, AUTHORITY_DAYS),
    signingAlgorithm: SIGNING,
    keys: keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  // The key first: a certificate that is there means that its key is there too.
  await writeNew(keyFile, await pemOf(keys.privateKey), { mode: 0o600, renew: true });
  await writeNew(certificateFile, `${certificate.toString("pem")}\n`, { mode: 0o644, renew: false });
  return { certificate, key: keys.privateKey };
}

interface AuthorityFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
  /** What the certificate's file holds. */
  readonly known: string;
}

async function readAuthority(
  x509: typeof X509,
  { certificateFile, keyFile, known }: AuthorityFiles,
  nowMs: number,
): Promise<Authority> {
  const certificate = new x509.X509Certificate(known);
  if (certificate.notAfter.getTime() <= nowMs)
    throw new BicoastalError(
      "USAGE",
      `The authority in ${certificateFile} has expired. Make a new one in another directory, with certificates for all nodes.`,
      { details: { file: certificateFile } },
    );
  const pkcs8 = createPrivateKey(await readFile(keyFile)).export({ format: "der", type: "pkcs8" });
  return { certificate, key: await webcrypto.subtle.importKey("pkcs8", pkcs8, EC, false, ["sign"]) };
}

async function makeCertificate(
  x509: typeof X509,
  directory: string,
  authority: Authority,
  node: CertificateRequest,
  { days, renew, nowMs }: MakeCertificates,
): Promise<MadeCertificate> {
  const hosts = [...new Set([node.name, ...node.hosts, ...LOOPBACK])];
  const files = { cert: join(directory, `${node.name}.pem`), key: join(directory, `${node.name}.key`) };
  if (!renew && ((await textOf(files.cert)) ?? (await textOf(files.key))) !== undefined)
    throw new BicoastalError(
      "USAGE",
      `There is a certificate for ${node.name} in ${directory} already. Make it anew with --renew.`,
      { details: { option: "renew", file: files.cert } },
    );
  const keys = await webcrypto.subtle.generateKey(EC, true, ["sign", "verify"]);
  const dates = validity(nowMs, days);
  const expiresAtMs = Math.min(dates.notAfter.getTime(), authority.certificate.notAfter.getTime());
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: [{ CN: [node.name] }],
    issuer: authority.certificate.subject,
    notBefore: dates.notBefore,
    notAfter: new Date(expiresAtMs),
    signingAlgorithm: SIGNING,
    publicKey: keys.publicKey,
    signingKey: authority.key,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      // Each node serves some and asks others.
      new x509.ExtendedKeyUsageExtension([
        x509.ExtendedKeyUsage.serverAuth,
        x509.ExtendedKeyUsage.clientAuth,
      ]),
      new x509.SubjectAlternativeNameExtension(
        hosts.map((host) => ({ type: isIP(host) > 0 ? "ip" : "dns", value: host })),
      ),
      await x509.AuthorityKeyIdentifierExtension.create(authority.certificate.publicKey),
    ],
  });
  await writeNew(files.key, await pemOf(keys.privateKey), { mode: 0o600, renew });
  await writeNew(files.cert, `${certificate.toString("pem")}\n`, { mode: 0o644, renew });
  return { name: node.name, ca: join(directory, "ca.pem"), ...files, hosts, expiresAtMs };
}

function validity(nowMs: number, days: number): { readonly notBefore: Date; readonly notAfter: Date } {
  return { notBefore: new Date(nowMs - SKEW_MS), notAfter: new Date(nowMs + days * DAY_MS) };
}

/** Positive, whatever the bytes are. */
const serial = (): string => `01${randomBytes(SERIAL_BYTES - 1).toString("hex")}`;

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  const der = await webcrypto.subtle.exportKey("pkcs8", key);
  const options = { key: Buffer.from(der), format: "der", type: "pkcs8" } as const;
  return createPrivateKey(options).export({ format: "pem", type: "pkcs8" }).toString();
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Whole or not at all; never readable by others for a moment where it is not meant to be. */
async function writeNew(
  file: string,
  text: string,
  { mode, renew }: { readonly mode: number; readonly renew: boolean },
): Promise<void> {
  const target = renew ? `${file}.${process.pid}~` : file;
  const handle = await open(target, "wx", mode);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  if (renew) await rename(target, file);
}
