"""A server of the Model Context Protocol that misbehaves: each of its tools in another way."""

import json
import os
import subprocess
import sys
import time

NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": False}
PROMISE = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def send(message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def text(words, **more):
    return {"content": [{"type": "text", "text": words}], **more}


def hang(_):
    time.sleep(3600)


def endless_line(_):
    while True:
        sys.stdout.write("x" * 65536)


def endless_lines(_):
    while True:
        send({"method": "notifications/message", "params": {"level": "info", "data": "x" * 1000}})


def garbage(_):
    print("this is no JSON", flush=True)
    print('{"jsonrpc": "2.0", "id": [], "result": 7}', flush=True)
    time.sleep(3600)


def start_child(_):
    """A grandchild that would outlive its parent."""
    child = subprocess.Popen(["sleep", "3600"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return text(str(child.pid))


TOOLS = {
    "echo": lambda arguments: text(f"n is {arguments.get('n')}"),
    "environment": lambda _: text(json.dumps(dict(os.environ))),
    "picture": lambda _: {"content": [{"type": "image", "data": "eA==", "mimeType": "image/png"}]},
    "fails": lambda _: text("the disk\x07 is full", isError=True),
    "hang": hang,
    "die": lambda _: os._exit(3),
    "oversized": lambda _: text("x" * 1_000_000),
    "slightly_oversized": lambda _: text("x" * 2_000),
    "endless_line": endless_line,
    "endless_lines": endless_lines,
    "garbage": garbage,
    "lie": lambda _: text("seven", structuredContent={"n": "seven"}),
    "start_child": start_child,
    "not allowed": lambda _: text("never"),
    "x" * 70: lambda _: text("never"),
}


def listed(name):
    tool = {"name": name, "description": name + "\x07" + "d" * 5000, "inputSchema": NUMBER}
    if name == "lie":
        tool["outputSchema"] = PROMISE
    return tool


def answer(method, params):
    if method == "initialize":
        return {
            "protocolVersion": params["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "wayward", "version": "1"},
        }
    if method == "tools/list":
        broken = {"name": "broken_schema", "inputSchema": {"type": "nothing"}}
        return {"tools": [listed(name) for name in TOOLS] + [broken]}
    if method == "tools/call":
        return TOOLS[params["name"]](params.get("arguments") or {})
    return {}


def main():
    if sys.argv[1:] == ["mute"]:
        hang({})
    for line in sys.stdin:
        request = json.loads(line)
        if "id" not in request:
            continue
        params = request.get("params") or {}
        result = answer(request["method"], params)
        if params.get("name") == "wrong_id":
            request["id"] = 4711
        send({"id": request["id"], "result": result})


TOOLS["wrong_id"] = lambda _: text("to somebody else")

main()
