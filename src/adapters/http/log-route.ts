/** What a job's tasks said on this node, for whoever knows the job by its id: `GET /v1/logs/JOB?from=POSITION`. */
import { BicoastalError } from "../../base/errors.ts";
import type { NodeId } from "../../base/ids.ts";
import type { LogPage } from "../../plan/task-logs.ts";
import { entriesIn, type JobLogs } from "../fs/job-logs.ts";
import type { PeerAccess } from "./ask-peer.ts";
import { TO_HEADER } from "./peer-headers.ts";
import { answer, type Route } from "./route.ts";
import { tlsReasonOf } from "./tls-reasons.ts";

const NEXT_HEADER = "bicoastal-log-next";
const DROPPED_HEADER = "bicoastal-log-dropped";
/** A page, and some. */
const ANSWER_BYTES_MAX = 1024 * 1024;
const ANSWER_MS_MAX = 15_000;
const JOB = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}$/;
const POSITION = /^\d{1,15}$/;

export function createLogRoute(self: NodeId, logs: Pick<JobLogs, "page">): Route {
  return {
    name: "logs",
    methods: ["GET"],
    bodyBytesMax: 0,
    async handle({ rest: job, query, incoming, response }) {
      if (incoming.headers[TO_HEADER] !== self) return answer(response, 421, "another node is meant");
      const from = query.get("from") ?? "0";
      if (!JOB.test(job) || !POSITION.test(from)) return answer(response, 400, "no job, or no position");
      const { bytes, next, dropped } = logs.page(job, Number(from));
      response.writeHead(200, {
        "content-type": "application/x-ndjson",
        "content-length": bytes.length,
        [NEXT_HEADER]: next,
        [DROPPED_HEADER]: dropped,
      });
      response.end(bytes);
    },
  };
}

/** A page of what the job said on another node. Throws PEER_UNREACHABLE. */
export async function fetchLogPage(
  { client, addressOf }: PeerAccess,
  node: NodeId,
  job: string,
  from: number,
): Promise<LogPage> {
  const address = addressOf(node);
  if (address === undefined) throw away(node, "it does not belong to the cluster now");
  try {
    const given = await client.request({
      address,
      method: "GET",
      path: `/v1/logs/${job}?from=${from}`,
      headers: { [TO_HEADER]: node },
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    });
    if (given.status !== 200) {
      given.drop();
      throw away(node, REFUSALS[given.status] ?? `it answered with status ${given.status}`);
    }
    const [next, dropped] = [Number(given.headers[NEXT_HEADER]), Number(given.headers[DROPPED_HEADER])];
    const entries = entriesIn(await given.bytes(ANSWER_BYTES_MAX));
    // A position before the one asked for would be asked for again and again.
    if (!Number.isSafeInteger(next) || next < from || !Number.isSafeInteger(dropped) || dropped < 0)
      throw away(node, "its answer makes no sense");
    return { entries, next, dropped };
  } catch (error) {
    if (error instanceof BicoastalError) throw error;
    const { message, code } = error as NodeJS.ErrnoException;
    const hint =
      client.speaksTls !== true && code === "UND_ERR_SOCKET"
        ? "; where the nodes speak TLS, give --tls-ca, --tls-cert and --tls-key"
        : "";
    throw away(node, tlsReasonOf(error, client.speaksTls)?.text ?? `${message}${hint}`, error);
  }
}

const REFUSALS: Readonly<Record<number, string>> = {
  401: "it did not accept the cluster token; set the same BICOASTAL_TOKEN here as on the nodes",
  404: "it runs a version that keeps no logs",
  421: "another node answers at its address",
};

function away(node: NodeId, reason: string, cause?: unknown): BicoastalError {
  return new BicoastalError("PEER_UNREACHABLE", `Node ${node} could not be asked: ${reason}.`, {
    details: { node },
    retryable: true,
    cause,
  });
}
