import type { CertificateRequest, MadeCertificate } from "../../adapters/certs/make-certificates.ts";
import { showValue } from "../../api/show-value.ts";
import { BicoastalError } from "../../base/errors.ts";
import type { Command } from "../dependencies.ts";
import { CERTS_OPTIONS, onceEach } from "../input/options.ts";
import { readWholeNumber } from "../input/quantities.ts";
import { readTokens } from "../input/tokens.ts";
import { EXIT } from "../io.ts";
import { escapeText } from "../show/escape.ts";
import { renderHelp } from "../show/help.ts";
import { certsHelp } from "../show/help-pages.ts";
import { toJsonLine } from "../show/json.ts";

const DAYS_DEFAULT = 90;
const DAYS_MAX = 3_650;
const DIRECTORY = "certs";
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const HOST = /^(?:[A-Za-z0-9*][A-Za-z0-9.*-]{0,252}|[0-9A-Fa-f:.]{2,45})$/;

export const command: Command = async ({ tokens, io, dependencies }) => {
  const { flags, operands } = readTokens(tokens, { flags: CERTS_OPTIONS, open: false });
  const options = onceEach(flags);
  if (options.has("help")) {
    await io.stdout.write(renderHelp(certsHelp, io.stdout));
    return EXIT.ok;
  }
  if (operands.length === 0)
    throw new BicoastalError(
      "USAGE",
      "For which nodes? bicoastal certs east-1=10.0.0.1 west-1=10.1.0.1 client",
    );
  const days = options.get("days");
  const made = await dependencies.makeCertificates({
    directory: options.get("dir") ?? DIRECTORY,
    nodes: nodesOf(operands),
    days: days === undefined ? DAYS_DEFAULT : readWholeNumber("days", days, { min: 1, max: DAYS_MAX }),
    renew: options.has("renew"),
    nowMs: io.clock.wallMs(),
  });
  if (options.has("json"))
    for (const each of made)
      await io.stdout.write(`${toJsonLine(each, `The certificate of ${each.name}`)}\n`);
  else await io.stderr.write(`${made.flatMap(linesOf).join("\n")}\n`);
  return EXIT.ok;
};

function nodesOf(operands: readonly string[]): readonly CertificateRequest[] {
  const nodes = operands.map(nodeOf);
  const names = new Set<string>();
  for (const { name } of nodes) {
    if (names.has(name)) throw wrong(`${showValue(name)} is named twice.`);
    names.add(name);
  }
  return nodes;
}

function nodeOf(operand: string): CertificateRequest {
  const [name = "", hosts, ...more] = operand.split("=");
  if (!NAME.test(name) || name === "ca" || more.length > 0)
    throw wrong(`${showValue(operand)} names no node: write NAME, or NAME=HOST,HOST.`);
  const named = hosts === undefined ? [] : hosts.split(",");
  for (const host of named)
    if (!HOST.test(host)) throw wrong(`${showValue(host)}, for ${name}, is neither a name nor an address.`);
  return { name, hosts: named };
}

const wrong = (message: string): BicoastalError => new BicoastalError("USAGE", message);

function linesOf({ name, ca, cert, key, hosts, expiresAtMs }: MadeCertificate): readonly string[] {
  const until = new Date(expiresAtMs).toISOString().slice(0, 10);
  return [
    `${escapeText(name)}: for ${hosts.map(escapeText).join(", ")}, until ${until}`,
    `  --tls-ca ${escapeText(ca)} --tls-cert ${escapeText(cert)} --tls-key ${escapeText(key)}`,
  ];
}
