// Another age implementation at work: reads jobs as JSON lines, answers each with one JSON line.
// {"identity", "sealed"} opens, {"recipients", "plaintext"} seals, {"identity"} alone tells its recipient; bytes are base64.
import { createInterface } from "node:readline";
import { Decrypter, Encrypter, generateHybridIdentity, identityToRecipient } from "age-encryption";

async function answer(job) {
  if (job.sealed !== undefined) {
    const decrypter = new Decrypter();
    decrypter.addIdentity(job.identity);
    const plaintext = await decrypter.decrypt(Buffer.from(job.sealed, "base64"));
    return { plaintext: Buffer.from(plaintext).toString("base64") };
  }
  if (job.recipients !== undefined) {
    const encrypter = new Encrypter();
    job.recipients.forEach((recipient) => encrypter.addRecipient(recipient));
    const sealed = await encrypter.encrypt(Buffer.from(job.plaintext, "base64"));
    return { sealed: Buffer.from(sealed).toString("base64") };
  }
  const identity = job.identity ?? (await generateHybridIdentity());
  return { identity, recipient: await identityToRecipient(identity) };
}

for await (const line of createInterface({ input: process.stdin })) {
  const told = await answer(JSON.parse(line)).catch((error) => ({ error: String(error) }));
  process.stdout.write(JSON.stringify(told) + "\n");
}
