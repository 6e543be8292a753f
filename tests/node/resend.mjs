// Calls of the official client, one after the other: {"url", "key", "calls": [["emails.send", ...arguments], ...]}.
import { Resend } from "resend";
import { answered, asked } from "./told.mjs";

const { url, key, calls } = await asked();
const client = new Resend(key, { baseUrl: url });
await answered(calls, async (name, ...given) => {
  const [group, method] = name.split(".");
  const { data, error, headers } = await client[group][method](...given);
  return { data, error, requestId: headers?.["x-request-id"] };
});
