/**
 * A typed client of a prediction gateway.
 *
 * `schema.ts` beside it is generated from the gateway's own OpenAPI description: paths, rows, answers and problems.
 */
import createFetchClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./schema.js";

export type { components, paths } from "./schema.js";

/** Why there is no answer (RFC 9457). */
export type ProblemDetails = components["schemas"]["ProblemDetails"];

export interface GatewayOptions {
  /** Such as https://predictions.example.com, with the path that the gateway stands behind, if any. */
  baseUrl: string;
  /** Sent as X-API-Key. In a web page everybody can read it: there, call the gateway through a server of your own. */
  apiKey?: string;
  /** Instead of the global fetch: for time-outs, proxies and tests. */
  fetch?: (request: Request) => Promise<Response>;
}

/** The gateway refused, or what answered is no gateway. */
export class GatewayError extends Error {
  override readonly name = "GatewayError";

  constructor(
    /** HTTP status. */
    readonly status: number,
    /** What the gateway says; undefined where something before it answered. */
    readonly problem: ProblemDetails | undefined,
    /** Seconds until it makes sense to ask again; undefined where the answer does not say. */
    readonly retryAfterSeconds: number | undefined,
  ) {
    super(problem ? `${status} ${problem.code}: ${problem.detail} (request ${problem.request_id})` : `${status}: the answer is no problem document of a gateway`);
  }
}

/** Makes a client; `answered` turns what its methods return into data, or throws. */
export function createGatewayClient(options: GatewayOptions): Client<paths> {
  return createFetchClient<paths>({
    baseUrl: options.baseUrl.replace(/\/+$/, ""),
    ...(options.apiKey === undefined ? {} : { headers: { "X-API-Key": options.apiKey } }),
    ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
  });
}

/**
 * The data of an answer.
 *
 * @throws GatewayError - The gateway refused.
 */
export async function answered<Data>(
  asked: Promise<{ data?: Data; error?: unknown; response: Response }>,
): Promise<NonNullable<Data>> {
  const { data, error, response } = await asked;
  if (response.ok && data !== undefined && data !== null) return data;
  const retryAfter = Number(response.headers.get("Retry-After") ?? Number.NaN);
  throw new GatewayError(
    response.status,
    isProblem(error) ? error : undefined,
    Number.isFinite(retryAfter) ? retryAfter : undefined,
  );
}

/** For the routes that take a CSV file: `gateway.POST("/v1/tip/csv", { body: text, ...csvFile })`. */
export const csvFile = {
  headers: { "Content-Type": "text/csv" },
  bodySerializer: (text: string): string => text,
  parseAs: "text",
} as const;

function isProblem(value: unknown): value is ProblemDetails {
  return typeof value === "object" && value !== null && "code" in value && "detail" in value && "request_id" in value;
}
