// Messages by Mailgun's own client: a list of them comes on standard input, what came of each goes out.
import FormData from 'form-data';
import Mailgun from 'mailgun.js';

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { url, key, calls } = JSON.parse(Buffer.concat(chunks).toString());
const clients = {
  package: new Mailgun(FormData).client({ username: 'api', key, url }),
  native: new Mailgun(globalThis.FormData).client({ username: 'api', key, url, useFetch: true }),
};

const revive = (value) => {
  if (value && typeof value === 'object' && !Array.isArray(value)) {
    if ('$octets' in value) return Buffer.from(value.$octets, 'base64');
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, revive(each)]));
  }
  return Array.isArray(value) ? value.map(revive) : value;
};

const results = [];
for (const { form, domain, message } of calls) {
  try {
    results.push({ answer: await clients[form].messages.create(domain, revive(message)) });
  } catch (error) {
    results.push({ error: error.name, status: error.status, message: error.message, details: error.details });
  }
}
console.log(JSON.stringify(results));
