// Asks a question, follows the work as a browser would, with EventSource, and prints the answer.
//
//   node eventsource.mjs http://127.0.0.1:8080 3M "What was the revenue in 2018?"

import { LAST, printAnswer, show, submit } from "./job.mjs";

const EventSource = globalThis.EventSource ?? (await import("eventsource")).EventSource;

/** Shows every event of the job, once and in order: EventSource returns by itself to where it was. */
function follow(address) {
  return new Promise((ended, failed) => {
    const source = new EventSource(address);
    source.onmessage = ({ lastEventId, data }) => {
      const event = JSON.parse(data);
      // Control frames speak of the stream, and not of the job.
      if (event.type.startsWith("stream.")) return;
      show(event);
      if (LAST.includes(event.type)) {
        source.close();
        ended(lastEventId);
      }
    };
    source.onerror = (error) => {
      if (source.readyState === EventSource.CLOSED) failed(new Error(error.message));
    };
  });
}

const [server, company, question] = process.argv.slice(2);
const job = await submit(server, company, question);
await follow(new URL(job.links.events, server));
await printAnswer(server, job);
