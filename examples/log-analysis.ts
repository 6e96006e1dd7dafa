// Several answers from one pass over web server logs, plain and compressed. The lines are read and parsed once,
// however many ends share them; what cannot be parsed is counted and left out.
//
//     npx bicoastal run examples/log-analysis.ts
import { job, read } from "bicoastal";

const combined = /^(\S+) \S+ \S+ \[(\d+\/\w+\/\d+):(\d+):\d+:\d+ [^\]]*\] "(\S+) (\S+) [^"]*" (\d+) (\d+|-)/;

interface Request {
  readonly client: string;
  readonly day: string;
  readonly hour: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly bytes: number;
}

function parse(line: string): Request | undefined {
  const match = combined.exec(line);
  if (match === null) return undefined;
  const [, client = "", day = "", hour = "", method = "", path = "", status, bytes] = match;
  return {
    client,
    day,
    hour,
    method,
    path,
    status: Number(status),
    bytes: bytes === "-" ? 0 : Number(bytes),
  };
}

export default job({
  name: "log-analysis",
  params: { input: "examples/data/logs", top: 5 },
  run: ({ input, top }) => {
    const requests = read.lines(input).flatMap((line, ctx) => {
      const request = parse(line);
      ctx.counter(request === undefined ? "lines not parsed" : "requests");
      return request === undefined ? [] : [request];
    });
    return {
      byStatus: requests.countBy((request) => request.status).sortBy(([status]) => status),
      pages: requests
        .filter((request) => request.status === 200)
        .countBy((request) => request.path)
        .top(top, ([, count]) => count),
      failing: requests
        .filter((request) => request.status >= 500)
        .countBy((request) => `${request.method} ${request.path}`)
        .top(top, ([, count]) => count),
      clients: requests
        .map((request) => request.client)
        .distinct()
        .count(),
      bytesByDay: requests
        .keyBy((request) => request.day)
        .aggregateByKey({
          zero: () => 0,
          add: (sum, request) => sum + request.bytes,
          merge: (sum, later) => sum + later,
        })
        .sortBy(([day]) => day),
    };
  },
});
