// Messages by Mailgun's own client, in a form of a package or of Node itself: {"url", "key", "calls": [["native", domain, message], ...]}.
// Or other calls of it: [["domains.list"], ["domains.domainTemplates.get", domain, name], ...].
import FormData from "form-data";
import Mailgun from "mailgun.js";
import { answered, asked, revived } from "./told.mjs";

const { url, key, calls } = await asked();
const clients = {
  package: new Mailgun(FormData).client({ username: "api", key, url }),
  native: new Mailgun(globalThis.FormData).client({ username: "api", key, url, useFetch: true }),
};
await answered(calls, async (form, domain, message, ...more) => {
  try {
    if (form.includes(".")) {
      const path = form.split(".");
      const method = path.pop();
      const resource = path.reduce((found, name) => found[name], clients.package);
      const given = [domain, message, ...more].filter((each) => each !== undefined);
      return { answer: await resource[method](...given) };
    }
    return { answer: await clients[form].messages.create(domain, revived(message)) };
  } catch (error) {
    const { name, status, message: text, details } = error;
    return { error: name, status, message: text, details };
  }
});
