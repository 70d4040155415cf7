// Calls a real gateway of three tasks, and holds what it answers against what the types promise. Below each comment
// that begins with @ts-expect-error stands a fault that the compiler has to find: it fails where there is none.
import { answered, createGatewayClient, csvFile, GatewayError, type components } from "./client.js";

type Trip = components["schemas"]["Trip"];
declare const process: { argv: string[]; exitCode?: number };
declare const console: { log(text: string): void };

const [, , baseUrl = "", apiKey = ""] = process.argv;
const trip: Trip = {
  trip_start_timestamp: 1437057900,
  trip_start_hour: 14,
  trip_start_day: 5,
  trip_start_month: 7,
  fare: 7.65,
  trip_miles: 1.4,
  payment_type: "Credit Card",
};

export const wrong: Trip[] = [
  // @ts-expect-error: a string is no number
  { ...trip, fare: "7.65" },
  // @ts-expect-error: there is no such field
  { ...trip, far: 7.65 },
];
export const wrongCut: components["schemas"]["Diamond"] = {
  carat: 0.5,
  // @ts-expect-error: the contract lists all cuts
  cut: "Round",
};

const gateway = createGatewayClient({ baseUrl, apiKey });
const one = await answered(gateway.POST("/v1/tip", { body: trip }));
const probability: number = one.predictions[0]?.probability ?? Number.NaN;
const many = await answered(gateway.POST("/v1/tip", { body: [trip, { ...trip, company: null }] }));

const flower = await answered(
  gateway.POST("/v1/iris", { body: { petal_length: 5.1, petal_width: 1.9 }, params: { query: { top_k: 2 } } }),
);
const species: string | undefined = flower.predictions[0]?.probabilities[0]?.class;
const diamond = await answered(gateway.POST("/v1/price", { body: { carat: 0.5, cut: "Ideal" } }));
const high: number | undefined = diamond.predictions[0]?.interval?.high;

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
const stored = await answered(
  gateway.POST("/v1/tip/feedback", { body: { request_id: one.request_id, row: 0, outcome: 2.35 } }),
);
const again = await refusal(() =>
  answered(gateway.POST("/v1/tip/feedback", { body: { request_id: one.request_id, row: 0, outcome: 2.35 } })),
);
const names = Object.keys(trip);
const file = `${names.join(",")}\n${Object.values(trip).join(",")}\n`;
const predicted: string = await answered(gateway.POST("/v1/tip/csv", { body: file, ...csvFile }));

console.log(
  JSON.stringify({
    probability,
    flower: [species, flower.predictions[0]?.probabilities.length],
    diamond: [diamond.predictions[0]?.value, diamond.predictions[0]?.unit, high ?? null],
    rows: many.predictions.length,
    invalid: [invalid.status, invalid.problem?.code, invalid.problem?.errors?.[0]?.field],
    unknown: [unknown.status, unknown.problem?.code],
    stored: stored.stored,
    again: [again.status, again.problem?.code],
    csv: predicted.trim().split("\r\n").map((line) => line.split(",")[names.length]),
  }),
);
