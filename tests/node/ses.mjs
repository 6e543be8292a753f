// Calls of Amazon's own client and of nodemailer: a list of them comes on standard input, what came of each goes out.
import { SESv2Client, SendEmailCommand, GetAccountCommand, PutSuppressedDestinationCommand,
  GetSuppressedDestinationCommand, DeleteSuppressedDestinationCommand } from '@aws-sdk/client-sesv2';
import nodemailer from 'nodemailer';

const commands = { SendEmailCommand, GetAccountCommand, PutSuppressedDestinationCommand,
  GetSuppressedDestinationCommand, DeleteSuppressedDestinationCommand };
const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { endpoint, credentials, calls } = JSON.parse(Buffer.concat(chunks).toString());
const sesClient = new SESv2Client({ endpoint, credentials, region: 'eu-north-1' });
const transport = nodemailer.createTransport({ SES: { sesClient, SendEmailCommand } });

// JSON has no octets: {"$octets": base64}
const revive = (value) => {
  if (value && typeof value === 'object' && !Array.isArray(value)) {
    if ('$octets' in value) return Buffer.from(value.$octets, 'base64');
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, revive(each)]));
  }
  return Array.isArray(value) ? value.map(revive) : value;
};

const results = [];
for (const { command, input } of calls) {
  try {
    let answer;
    if (command === 'verify') answer = await transport.verify();
    else if (command === 'sendMail') answer = await transport.sendMail(revive(input));
    else answer = await sesClient.send(new commands[command](revive(input)));
    results.push({ answer });
  } catch (error) {
    results.push({ error: error.name, message: error.message, status: error.$metadata?.httpStatusCode,
      attempts: error.$metadata?.attempts });
  }
}
console.log(JSON.stringify(results));
