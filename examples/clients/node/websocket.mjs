// Asks a question, follows the work over a WebSocket, and prints the answer.
//
//   node websocket.mjs http://127.0.0.1:8080 3M "What was the revenue in 2018?"

import { setTimeout as sleep } from "node:timers/promises";

import { printAnswer, show, submit } from "./job.mjs";

// Node has one of its own from version 22 on; it is the browser's.
const WebSocket = globalThis.WebSocket ?? (await import("ws")).WebSocket;

/** Shows the events after the cursor; resolves with the new cursor and the close code. */
function followOnce(address, after) {
  return new Promise((closed) => {
    const socket = new WebSocket(`${address}?after=${after}`);
    socket.addEventListener("message", ({ data }) => {
      const message = JSON.parse(data);
      if (message.type === "stream.error") console.error(message.problem.detail);
      // Control frames speak of the stream, and not of the job.
      if (message.type.startsWith("stream.")) return;
      show(message);
      after = Number(message.sequence);
    });
    socket.addEventListener("error", () => {});
    socket.addEventListener("close", ({ code }) => closed([after, code]));
  });
}

/** Shows every event of the job, once and in order, whatever becomes of the connection. */
async function follow(address) {
  let after = 0;
  for (;;) {
    let code;
    [after, code] = await followOnce(address, after);
    if (code === 1000) return;
    if (code === 1008 || (code >= 4400 && code < 4420)) throw new Error(`closed with ${code}`);
    await sleep(1000);
  }
}

const [server, company, question] = process.argv.slice(2);
const job = await submit(server, company, question);
const address = new URL(job.links.stream, server);
address.protocol = address.protocol.replace("http", "ws");
await follow(address);
await printAnswer(server, job);
