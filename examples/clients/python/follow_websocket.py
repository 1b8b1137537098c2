"""Asks a question, follows the work over a WebSocket, and prints the answer.

    python follow_websocket.py http://127.0.0.1:8080 3M "What was the revenue in 2018?"
"""

import asyncio
import json
import sys
import uuid
from collections.abc import AsyncIterator

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError


async def events(server: str, job: dict) -> AsyncIterator[dict]:
    """Every event of the job, once and in order, whatever becomes of the connection."""
    address = server.replace("http", "ws", 1) + job["links"]["stream"]
    after = 0
    while True:
        try:
            async with connect(f"{address}?after={after}", max_size=2**20) as socket:
                async for text in socket:
                    message = json.loads(text)
                    if message["type"] == "stream.error":
                        raise SystemExit(message["problem"]["detail"])
                    if message["type"].startswith("stream."):
                        continue
                    after = int(message["sequence"])
                    yield message
            # Code 1000 alone ends the loop without an error: the job has ended.
            return
        except (ConnectionClosedError, OSError) as error:
            print(f"({error}; going on after {after})", file=sys.stderr)
            await asyncio.sleep(1)


async def main() -> None:
    server, company, question = sys.argv[1:]
    async with httpx.AsyncClient(base_url=server, timeout=60) as client:
        submitted = await client.post(
            "/v1/analysis",
            json={"company_name": company, "question": question},
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )
        job = submitted.raise_for_status().json()
        async for event in events(server, job):
            print(int(event["sequence"]), event["type"], file=sys.stderr)
        job = (await client.get(job["links"]["self"])).raise_for_status().json()
        print(job["result"]["summary"] if "result" in job else job["error"]["detail"])


asyncio.run(main())
