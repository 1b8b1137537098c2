// What both clients share: asking, and reading the answer.

/** The types that end a log. */
export const LAST = ["succeeded", "failed", "timed_out", "expired", "cancelled"].map(
  (state) => `job.${state}`,
);

/** Asks; returns the job. */
export async function submit(server, company, question) {
  const response = await fetch(new URL("/v1/analysis", server), {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() },
    body: JSON.stringify({ company_name: company, question }),
  });
  return read(response);
}

/** Prints an event as it arrives. */
export function show(event) {
  console.error(Number(event.sequence), event.type);
}

/** Prints what the job ended with. */
export async function printAnswer(server, job) {
  const ended = await read(await fetch(new URL(job.links.self, server)));
  console.log(ended.result?.summary ?? ended.error.detail);
}

async function read(response) {
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail);
  return body;
}
