"""Holds what a running server says to the documents that it serves.

    answers.py http://127.0.0.1:8080

The server runs the scripted model. Every answer must have a status, a content type, headers and a
body that /openapi.json tells of, and every frame of a stream must be a message of /asyncapi.json.
"""

import asyncio
import json
import sys
import uuid

import httpx
from jsonschema import Draft7Validator, Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7, DRAFT202012
from websockets.asyncio.client import connect

FINDINGS: list[str] = []
SEEN: set[tuple[str, int]] = set()
FRAMES: set[str] = set()


class Document:
    """A document whose schemas values are held to."""

    def __init__(self, document: dict, dialect, validator) -> None:
        self.document = document
        self.validator = validator
        resource = Resource.from_contents(document, default_specification=dialect)
        self.registry = Registry().with_resource("urn:document", resource)

    def resolve(self, value: dict) -> dict:
        while "$ref" in value:
            here = self.document
            for part in value["$ref"].removeprefix("#/").split("/"):
                here = here[part.replace("~1", "/").replace("~0", "~")]
            value = here
        return value

    def hold(self, what: str, schema: dict, value) -> None:
        absolute = json.loads(json.dumps(schema).replace('"$ref": "#/', '"$ref": "urn:document#/'))
        checker = self.validator(
            absolute, registry=self.registry, format_checker=self.validator.FORMAT_CHECKER
        )
        for error in checker.iter_errors(value):
            FINDINGS.append(f"{what}: {error.json_path}: {error.message[:300]}")


class Client:
    """Asks the server, and holds each answer to the operation that was asked for."""

    def __init__(self, base: str) -> None:
        self.http = httpx.Client(base_url=base, timeout=30)
        self.openapi = Document(
            self.http.get("/openapi.json").json(), DRAFT202012, Draft202012Validator
        )

    def ask(self, method: str, template: str, status: int, id: str = "", **given):
        path = template.replace("{id}", id).replace("{code}", id)
        response = self.http.request(method, path, **given)
        what = f"{method} {template} {response.status_code}"
        SEEN.add((f"{method} {template}", response.status_code))
        if response.status_code != status:
            FINDINGS.append(f"{what}: expected {status}: {response.text[:300]}")
        told = self.openapi.document["paths"][template][method.lower()]["responses"]
        if str(response.status_code) not in told:
            FINDINGS.append(f"{what}: this status is not told of")
            return response
        self.check(what, self.openapi.resolve(told[str(response.status_code)]), response)
        return response

    def check(self, what: str, told: dict, response: httpx.Response) -> None:
        headers = told["headers"]
        for name in ("etag", "retry-after", "location", "preference-applied", "x-request-id"):
            if name in response.headers and name not in map(str.lower, headers):
                FINDINGS.append(f"{what}: the header {name} is not told of")
        for name, header in headers.items():
            header = self.openapi.resolve(header)
            if name in response.headers:
                value = response.headers[name]
                value = int(value) if header["schema"].get("type") == "integer" else value
                self.openapi.hold(f"{what} {name}", header["schema"], value)
            elif header.get("required"):
                FINDINGS.append(f"{what}: the header {name} is missing")
        if response.status_code == 503 and "retry-after" not in response.headers:
            FINDINGS.append(f"{what}: no Retry-After")
        content = told.get("content", {})
        kind = response.headers.get("content-type", "").split(";")[0]
        if response.content and kind not in content:
            FINDINGS.append(f"{what}: the content type {kind!r} is not told of")
        elif response.content and kind.endswith("json"):
            self.openapi.hold(what, content[kind]["schema"], response.json())

    def submit(self, question: str, status: int = 202, **given) -> dict:
        body = {"company_name": "3M", "question": question, "labels": {"from": "answers"}}
        return self.ask("POST", "/v1/analysis", status, json=body, **given).json()


JOB, EVENTS = "/v1/analysis/{id}", "/v1/analysis/{id}/events"
CANCEL, RETRY = "/v1/analysis/{id}/cancel", "/v1/analysis/{id}/retry"
TICKETS, STREAM = "/v1/analysis/{id}/tickets", "/v1/stream"
WAIT = {"Prefer": "wait=20"}
SSE = {"Accept": "text/event-stream"}


def submissions(client: Client) -> None:
    post = lambda status, **given: client.ask("POST", "/v1/analysis", status, **given)
    key = {"Idempotency-Key": str(uuid.uuid4())}
    client.submit("script: delay_ms=5", 200, headers=WAIT | key)
    client.submit("script: delay_ms=5", 200, headers=key)
    client.submit("another question", 422, headers=key)
    client.submit("script: delay_ms=5", 200, params={"validate_only": "true"})
    client.submit("", 422)
    client.submit("a question", 400, params={"colour": "red"})
    client.submit("a question", 400, headers={"Idempotency-Key": "a b"})
    post(422, json={"company_name": "3M", "question": "q", "timeout_s": 1, "more": {"a": 1}})
    post(400, content=b"{", headers={"Content-Type": "application/json"})
    post(415, content=b"{}", headers={"Content-Type": "text/plain"})
    post(413, json={"company_name": "3M", "question": "q" * 70_000})
    post(403, json={}, headers={"Origin": "https://elsewhere.example"})


def jobs(client: Client) -> dict:
    """Reads jobs in every way they end; returns one that succeeded."""
    done = client.submit("script: delay_ms=5 output_bytes=9000", 200, headers=WAIT)
    small = client.submit("script: delay_ms=5", 200, headers=WAIT)
    failed = client.submit("script: delay_ms=5 fail=permanent*9", 200, headers=WAIT)
    retried = client.submit("script: delay_ms=5 fail=transient*1", 200, headers=WAIT)
    for job in (done, small, failed, retried):
        read = client.ask("GET", JOB, 200, job["id"])
        client.ask("GET", JOB, 304, job["id"], headers={"If-None-Match": read.headers["etag"]})
        client.ask("GET", JOB, 200, job["id"], params={"view": "simple"})
        client.ask("GET", EVENTS, 200, job["id"], params={"limit": 1000})
        client.ask("GET", EVENTS, 200, job["id"], headers=SSE)
        client.ask("GET", EVENTS, 204, job["id"], headers=SSE | {"Last-Event-ID": str(job["version"])})
        client.ask("GET", EVENTS, 409, job["id"], params={"after": 9999})
        client.ask("GET", JOB, 409, job["id"], params={"after_version": 9999, "wait": 1})
        client.ask("POST", CANCEL, 409, job["id"])
        client.ask("POST", RETRY, 202, job["id"])
    client.ask("POST", RETRY, 200, done["id"], headers=WAIT)
    return done


def cancelled(client: Client) -> None:
    slow = client.submit("script: delay_ms=3000")
    client.ask("POST", RETRY, 409, slow["id"])
    running = client.ask("GET", JOB, 200, slow["id"], params={"after_version": 1, "wait": 20}).json()
    expected = 202 if running["state"] == "running" else 200
    client.ask("POST", CANCEL, expected, slow["id"], json={"reason": "enough"})
    client.ask("POST", CANCEL, 422, slow["id"], json={"colour": "red"})
    version = running["version"]
    while running["state"] in ("queued", "running", "cancelling"):
        wait = {"after_version": version, "wait": 20}
        running = client.ask("GET", JOB, 200, slow["id"], params=wait).json()
        version = running["version"]
    client.ask("POST", CANCEL, 200, slow["id"])


def lists(client: Client) -> None:
    page = client.ask("GET", "/v1/analysis", 200, params={"page_size": 2, "label.from": "answers"})
    token = page.json()["next_page_token"]
    more = {"page_size": 2, "label.from": "answers", "page_token": token}
    client.ask("GET", "/v1/analysis", 200, params=more)
    client.ask("GET", "/v1/analysis", 400, params={"page_token": token})
    for state in ("succeeded", "failed", "cancelled", "queued"):
        client.ask("GET", "/v1/analysis", 200, params={"state": state})
    client.ask("GET", "/v1/analysis", 400, params={"state": "sleeping"})


def server(client: Client) -> None:
    nobody = str(uuid.uuid4())
    for method, template in (("GET", JOB), ("GET", EVENTS), ("POST", CANCEL), ("POST", RETRY)):
        client.ask(method, template, 404, nobody)
    for path in ("/v1/limits", "/v1/problems", "/openapi.json", "/asyncapi.json", "/docs"):
        client.ask("GET", path, 200)
        client.ask("GET", path, 400, params={"colour": "red"})
    for problem in client.http.get("/v1/problems").json()["problems"]:
        client.ask("GET", "/v1/problems/{code}", 200, problem["code"])
    client.ask("GET", "/v1/problems/{code}", 404, "no_such_code")
    client.ask("GET", "/healthz", 200)
    client.ask("GET", "/readyz", 200)


def without_bodies(client: Client, ended: dict) -> None:
    for path, calls in client.openapi.document["paths"].items():
        if "head" in calls:
            client.ask("HEAD", path, 200, "not_found" if "{code}" in path else ended["id"])


def deleted(client: Client) -> None:
    job = client.submit("script: delay_ms=5", 200, headers=WAIT)
    client.ask("DELETE", JOB, 204, job["id"])
    for method, template in (("GET", JOB), ("GET", EVENTS), ("POST", CANCEL), ("POST", RETRY)):
        client.ask(method, template, 410, job["id"])
    for method, template in (("DELETE", JOB), ("POST", TICKETS)):
        client.ask(method, template, 410, job["id"])
    slow = client.submit("script: delay_ms=2000")
    client.ask("DELETE", JOB, 409, slow["id"])
    client.ask("DELETE", JOB, 404, str(uuid.uuid4()))


def tickets(client: Client, ended: dict) -> None:
    ticket = client.ask("POST", TICKETS, 201, ended["id"]).json()["ticket"]
    client.ask("GET", JOB, 200, ended["id"], params={"ticket": ticket})
    client.ask("GET", JOB, 401, ended["id"], params={"ticket": "forged"})
    client.ask("GET", JOB, 403, client.submit("another")["id"], params={"ticket": ticket})
    client.ask("POST", TICKETS, 404, str(uuid.uuid4()))
    client.ask("POST", "/v1/tickets", 201, json={"jobs": [ended["id"]]})
    client.ask("POST", "/v1/tickets", 404, json={"jobs": [str(uuid.uuid4())]})
    client.ask("POST", "/v1/tickets", 422, json={"jobs": []})
    client.ask("GET", STREAM, 400)


async def frames(base: str, client: Client, ended: dict) -> None:
    asyncapi = Document(client.http.get("/asyncapi.json").json(), DRAFT7, Draft7Validator)
    messages = {
        message["name"]: message["payload"]
        for message in asyncapi.document["components"]["messages"].values()
    }
    paths = [JOB, EVENTS]
    ids = [ended["id"], client.submit("script: delay_ms=50 fail=transient*1")["id"]]
    socket = base.replace("http", "ws", 1)
    addresses = [socket + path.replace("{id}", id) for path in paths for id in ids]
    addresses.append(socket + EVENTS.replace("{id}", str(uuid.uuid4())))
    addresses.append(f"{socket}{EVENTS.replace('{id}', ended['id'])}?after=9999")
    for address in addresses:
        async with connect(address) as stream:
            try:
                async for text in stream:
                    hold_frame(asyncapi, messages, json.loads(text))
            except Exception:
                pass  # The code below tells how it was closed.
        if str(stream.close_code) not in asyncapi.document["x-close-codes"]:
            FINDINGS.append(f"{address}: the close code {stream.close_code} is not told of")
    async with connect(socket + STREAM) as stream:
        for id in (*ids, str(uuid.uuid4())):
            frame = {"type": "subscribe", "job_id": id, "after": 0}
            hold_frame(asyncapi, messages, frame)
            await stream.send(json.dumps(frame))
        open_jobs = {*ids, "nobody"}
        while open_jobs:
            frame = json.loads(await asyncio.wait_for(stream.recv(), 30))
            hold_frame(asyncapi, messages, frame)
            if frame["type"] == "stream.error":
                open_jobs.discard("nobody")
            elif frame["type"] == "job.succeeded":
                open_jobs.discard(frame["subject"])
    for id in ids:
        with client.http.stream("GET", EVENTS.replace("{id}", id), headers=SSE) as stream:
            for line in stream.iter_lines():
                if line.startswith("data: "):
                    hold_frame(asyncapi, messages, json.loads(line.removeprefix("data: ")))


def hold_frame(asyncapi: Document, messages: dict, frame: dict) -> None:
    FRAMES.add(frame["type"])
    if frame["type"] in messages:
        asyncapi.hold(f"frame {frame['type']}", messages[frame["type"]], frame)
    else:
        FINDINGS.append(f"frame {frame['type']}: this type is not told of")


def main() -> None:
    base = sys.argv[1]
    client = Client(base)
    submissions(client)
    done = jobs(client)
    cancelled(client)
    lists(client)
    server(client)
    without_bodies(client, done)
    deleted(client)
    tickets(client, done)
    asyncio.run(frames(base, client, done))
    told = {f"{m.upper()} {p}" for p, ms in client.openapi.document["paths"].items() for m in ms}
    for call in sorted(told - {call for call, _ in SEEN}):
        FINDINGS.append(f"{call}: never asked")
    print(f"{len(SEEN)} kinds of answers, {len(FRAMES)} types of frames, {len(FINDINGS)} findings")
    print("\n".join(FINDINGS))
    sys.exit(1 if FINDINGS else 0)


main()
