// Calls of the official client, one after the other: {"url", "key", "calls": [["sendEmail", ...arguments], ...]}.
import { ServerClient } from "postmark";
import { answered, asked } from "./told.mjs";

const { url, key, calls } = await asked();
const client = new ServerClient(key, { requestHost: new URL(url).host, useHttps: false });
await answered(calls, async (method, ...given) => {
  try {
    return { data: await client[method](...given) };
  } catch (error) {
    const { name, code, statusCode, message, recipients } = error;
    return { name, code, statusCode, message, recipients };
  }
});
