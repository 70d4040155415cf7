// Calls a real gateway of three tasks, and holds what it answers against what the types promise. Below each comment
// that begins with @ts-expect-error stands a fault that the compiler has to find: it fails where there is none.
import { answered, createGatewayClient, csvFile, GatewayError, type components } from "./client.js";

declare const process: { argv: string[] };
declare const console: { log(text: string): void };

const [, , baseUrl = "", apiKey = ""] = process.argv;
const trip: components["schemas"]["Trip"] = {
  trip_start_timestamp: "2015-07-16T14:45",
  fare: 7.65,
  trip_miles: 1.4,
  payment_type: "Credit Card",
  company: null,
};
const row: components["schemas"]["Flower"] = { size: 4.5, colour: "red" };

export const wrong: components["schemas"]["Flower"][] = [
  // @ts-expect-error: a string is no number
  { size: "4.5", colour: "red" },
  // @ts-expect-error: there is no such field
  { size: 4.5, colour: "red", color: "red" },
  // @ts-expect-error: it is required
  { size: 4.5 },
];

const gateway = createGatewayClient({ baseUrl, apiKey });
const one = await answered(gateway.POST("/v1/tip", { body: trip }));
const probability: number = one.predictions[0]?.probability ?? Number.NaN;
const many = await answered(gateway.POST("/v1/tip", { body: [trip, trip] }));
const flower = await answered(gateway.POST("/v1/flower", { body: row, params: { query: { top_k: 2 } } }));
const species: string | undefined = flower.predictions[0]?.probabilities[0]?.class;
const price = await answered(gateway.POST("/v1/price", { body: row }));
const high: number | undefined = price.predictions[0]?.interval?.high;

async function refusal(asked: () => Promise<unknown>): Promise<GatewayError> {
  try {
    await asked();
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error("expected a refusal, received an answer");
}

const invalid = await refusal(() => answered(gateway.POST("/v1/tip", { body: { ...trip, fare: -1 } })));
const stranger = createGatewayClient({ baseUrl: `${baseUrl}/` });
const unknown = await refusal(() => answered(stranger.POST("/v1/tip", { body: trip })));
const outcome = { request_id: one.request_id, row: 0, outcome: 2.35 };
const stored = await answered(gateway.POST("/v1/tip/feedback", { body: outcome }));
const again = await refusal(() => answered(gateway.POST("/v1/tip/feedback", { body: outcome })));
const names = Object.keys(trip);
const file = `${names.join(",")}\n${Object.values(trip).join(",")}\n`;
const csv: string = await answered(gateway.POST("/v1/tip/csv", { body: file, ...csvFile }));

console.log(
  JSON.stringify({
    probability,
    flower: [species, flower.predictions[0]?.probabilities.length],
    price: [price.predictions[0]?.value, price.predictions[0]?.unit, high ?? null],
    rows: many.predictions.length,
    invalid: [invalid.status, invalid.problem?.code, invalid.problem?.errors?.[0]?.field],
    unknown: [unknown.status, unknown.problem?.code],
    stored: stored.stored,
    again: [again.status, again.problem?.code],
    csv: csv.trim().split("\r\n").map((line) => line.split(",")[names.length]),
  }),
);
