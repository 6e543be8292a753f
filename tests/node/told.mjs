// What a test asks comes by standard input, what came of it goes by standard output: both are JSON.
import { text } from "node:stream/consumers";

export const asked = async () => JSON.parse(await text(process.stdin));

export const answered = async (calls, call) => {
  const found = [];
  for (const each of calls) found.push(await call(...each));
  console.log(JSON.stringify(found));
};

// JSON has no octets: {"$octets": base64} stands for them, in any depth.
export const revived = (value) => {
  if (Array.isArray(value)) return value.map(revived);
  if (value === null || typeof value !== "object") return value;
  if ("$octets" in value) return Buffer.from(value.$octets, "base64");
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, revived(each)]));
};
