// Messages by Mailgun's own client, in a form of a package or of Node itself: {"url", "key", "calls": [["native", domain, message], ...]}.
import FormData from "form-data";
import Mailgun from "mailgun.js";
import { answered, asked, revived } from "./told.mjs";

const { url, key, calls } = await asked();
const clients = {
  package: new Mailgun(FormData).client({ username: "api", key, url }),
  native: new Mailgun(globalThis.FormData).client({ username: "api", key, url, useFetch: true }),
};
await answered(calls, async (form, domain, message) => {
  try {
    return { answer: await clients[form].messages.create(domain, revived(message)) };
  } catch (error) {
    const { name, status, message: text, details } = error;
    return { error: name, status, message: text, details };
  }
});
