/**
 * A typed client of a prediction gateway.
 *
 * `schema.ts` in the same folder is generated from the gateway's OpenAPI description: paths, rows, answers and problems.
 */
import createFetchClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./schema.js";

export type { components, paths } from "./schema.js";

/** Why a request failed (RFC 9457). */
export type ProblemDetails = components["schemas"]["ProblemDetails"];

export interface GatewayOptions {
  /** The gateway's URL, such as https://predictions.example.com, with its path if it has one. */
  baseUrl: string;
  /** Sent as X-API-Key. Everybody can read it in a web page: there, call the gateway through your own server. */
  apiKey?: string;
  /** Replaces the global fetch, for time-outs, proxies and tests. */
  fetch?: (request: Request) => Promise<Response>;
}

/** The gateway refused the request, or another server answered. */
export class GatewayError extends Error {
  override readonly name = "GatewayError";

  constructor(
    /** HTTP status. */
    readonly status: number,
    /** The gateway's reason; undefined if another server answered. */
    readonly problem: ProblemDetails | undefined,
    /** Seconds to wait before a retry; undefined if the answer does not say. */
    readonly retryAfterSeconds: number | undefined,
  ) {
    super(problem ? `${status} ${problem.code}: ${problem.detail} (request ${problem.request_id})` : `${status}: expected a gateway's problem document, received another answer`);
  }
}

/** Make a client; `answered` converts the results of its methods to data, or throws. */
export function createGatewayClient(options: GatewayOptions): Client<paths> {
  return createFetchClient<paths>({
    baseUrl: options.baseUrl.replace(/\/+$/, ""),
    ...(options.apiKey === undefined ? {} : { headers: { "X-API-Key": options.apiKey } }),
    ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
  });
}

/**
 * Return the data of an answer.
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
