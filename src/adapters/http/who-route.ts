/** Who answers at an address: `GET /v1/who`. A name is a node's own as long as nobody else who lives goes by it. */
import { BicoastalError } from "../../base/errors.ts";
import type { PeerClient } from "./peer-client.ts";
import { answer, type Route } from "./route.ts";

/** Whoever lives says so at once; a machine that is gone says nothing at all. */
const ANSWER_MS_MAX = 3_000;
const ANSWER_BYTES_MAX = 4_096;

export interface Who {
  readonly node: string;
  /** Of this start of it. */
  readonly incarnation: string;
}

export function createWhoRoute({ node, incarnation }: Who): Route {
  const body = JSON.stringify({ node, incarnation });
  return {
    name: "who",
    methods: ["GET"],
    bodyBytesMax: 0,
    async handle({ rest, response }) {
      if (rest !== "") return answer(response, 404);
      response.writeHead(200, { "content-type": "application/json", "content-length": body.length });
      response.end(body);
    },
  };
}

/** Undefined where nobody answers, or nobody who says who he is. */
export async function askWho(client: PeerClient, address: string): Promise<Who | undefined> {
  try {
    const signal = AbortSignal.timeout(ANSWER_MS_MAX);
    const given = await client.request({ address, method: "GET", path: "/v1/who", signal });
    const bytes = await given.bytes(ANSWER_BYTES_MAX);
    return given.status === 200 ? decodeWho(bytes) : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined for what says of nobody. */
export function decodeWho(bytes: Uint8Array): Who | undefined {
  try {
    const { node, incarnation } = JSON.parse(new TextDecoder().decode(bytes)) as Readonly<
      Record<string, unknown>
    >;
    if (typeof node === "string" && typeof incarnation === "string") return { node, incarnation };
  } catch {}
  return undefined;
}

/** @param card Of whoever went by this name last. Throws USAGE where he lives, and answers at his address. */
export async function assertOnlyOne(
  client: PeerClient,
  own: Who & { readonly address: string },
  card: (Who & { readonly address: string | undefined }) | undefined,
): Promise<void> {
  // At this node's own address nobody else listens any more.
  if (card?.address === undefined || card.address === own.address) return;
  if (card.incarnation === own.incarnation) return;
  const who = await askWho(client, card.address);
  if (who?.node !== card.node || who.incarnation !== card.incarnation) return;
  throw new BicoastalError(
    "USAGE",
    `A node of the name ${own.node} runs already, at ${card.address}: two of one name would be taken for each other. Stop that one first, or give this one another --name (and a --data-dir of its own, where the name is kept).`,
    { details: { option: "name", node: own.node, address: card.address } },
  );
}
