// Calls of Amazon's own client, and of nodemailer over it: {"url", "credentials", "calls": [["SendEmail", input], ...]}.
import * as ses from "@aws-sdk/client-sesv2";
import nodemailer from "nodemailer";
import { answered, asked, revived } from "./told.mjs";

const { url, credentials, calls } = await asked();
const sesClient = new ses.SESv2Client({ endpoint: url, credentials, region: "eu-north-1" });
const { SendEmailCommand } = ses;
const transport = nodemailer.createTransport({ SES: { sesClient, SendEmailCommand } });
await answered(calls, async (name, input) => {
  try {
    if (name === "verify" || name === "sendMail") {
      return { answer: await transport[name](revived(input)) };
    }
    return { answer: await sesClient.send(new ses[`${name}Command`](revived(input))) };
  } catch (error) {
    const { httpStatusCode: status, attempts } = error.$metadata ?? {};
    return { error: error.name, message: error.message, status, attempts };
  }
});
