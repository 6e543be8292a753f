// Mails for the official client, one after the other: {"url", "key", "calls": [[mail], ...]}.
// Or other requests of it: [[{"method", "url", "body"}], ...].
import sendgrid from "@sendgrid/mail";
import { answered, asked } from "./told.mjs";

const { url, key, calls } = await asked();
console.warn = () => {}; // it says that our keys do not begin as theirs
sendgrid.setApiKey(key);
sendgrid.client.setDefaultRequest("baseUrl", url);
await answered(calls, async (mail) => {
  try {
    if (mail.method) {
      const [{ statusCode, body }] = await sendgrid.client.request(mail);
      return { statusCode, body };
    }
    const [{ statusCode, headers, body }] = await sendgrid.send(mail);
    return { statusCode, messageId: headers["x-message-id"], body };
  } catch (error) {
    return { code: error.code, body: error.response?.body };
  }
});
