// What a test asks comes by standard input, what came of it goes by standard output: both are JSON.
import { text } from "node:stream/consumers";

export const asked = async () => JSON.parse(await text(process.stdin));

export const answered = async (calls, call) => {
  const found = [];
  for (const each of calls) found.push(await call(...each));
  console.log(JSON.stringify(found));
};
