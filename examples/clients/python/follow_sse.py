"""Asks a question, follows the work over server-sent events, and prints the answer.

    python follow_sse.py http://127.0.0.1:8080 3M "What was the revenue in 2018?"
"""

import json
import sys
import time
import uuid
from collections.abc import Iterable, Iterator

import httpx


def submit(client: httpx.Client, company: str, question: str) -> dict:
    """The job. With a key it is safe to ask again when an answer was lost."""
    key = str(uuid.uuid4())
    for attempt in range(5):
        try:
            response = client.post(
                "/v1/analysis",
                json={"company_name": company, "question": question},
                headers={"Idempotency-Key": key},
            )
        except httpx.TransportError:
            time.sleep(2**attempt)
            continue
        response.raise_for_status()
        return response.json()
    raise SystemExit("the server cannot be reached")


def messages(lines: Iterable[str]) -> Iterator[tuple[str, dict]]:
    """The messages of an event stream that have an id. One counts once it is complete."""
    id, data = "", ""
    for line in lines:
        if line.startswith("id: "):
            id = line.removeprefix("id: ")
        elif line.startswith("data: "):
            data = line.removeprefix("data: ")
        elif not line:
            if id and data:
                yield id, json.loads(data)
            id, data = "", ""


def events(client: httpx.Client, job: dict) -> Iterator[dict]:
    """Every event of the job, once and in order, whatever becomes of the connection."""
    last = "0"
    while True:
        headers = {"Accept": "text/event-stream", "Last-Event-ID": last}
        try:
            with client.stream("GET", job["links"]["events"], headers=headers) as response:
                if response.status_code == httpx.codes.NO_CONTENT:
                    return
                response.raise_for_status()
                for last, event in messages(response.iter_lines()):
                    yield event
        except httpx.TransportError as error:
            print(f"({error}; going on after {last})", file=sys.stderr)
        time.sleep(1)


def main() -> None:
    server, company, question = sys.argv[1:]
    with httpx.Client(base_url=server, timeout=60) as client:
        job = submit(client, company, question)
        for event in events(client, job):
            print(int(event["sequence"]), event["type"], file=sys.stderr)
        job = client.get(job["links"]["self"]).raise_for_status().json()
        print(job["result"]["summary"] if "result" in job else job["error"]["detail"])


main()
