"""Holds the documents that a server serves to the specifications that they name.

    documents.py http://127.0.0.1:8080 .../node_modules/@asyncapi/specs/schemas/3.0.0-without-$id.json
"""

import json
import sys

import httpx
from jsonschema import Draft7Validator, Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator


def examples(document: dict):
    """Every example in the calls, with the schema beside it."""
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            bodies = [call.get("requestBody", {}), *call["responses"].values()]
            for body in bodies:
                for content in body.get("content", {}).values():
                    for name, example in content.get("examples", {}).items():
                        yield f"{method} {path} {name}", content["schema"], example


def resolved(document: dict, value: dict) -> dict:
    while "$ref" in value:
        name = value["$ref"].removeprefix("#/").split("/")
        value = document
        for part in name:
            value = value[part]
    return value


def main() -> None:
    base, specification = sys.argv[1:]
    openapi = httpx.get(f"{base}/openapi.json").json()
    asyncapi = httpx.get(f"{base}/asyncapi.json").json()
    findings = [f"openapi.json: {e.message[:300]}" for e in OpenAPIV31SpecValidator(openapi).iter_errors()]
    schema = json.load(open(specification))
    errors = Draft7Validator(schema).iter_errors(asyncapi)
    findings += [f"asyncapi.json: {e.json_path}: {e.message[:300]}" for e in errors]
    count = 0
    for what, schema, example in examples(openapi):
        whole = openapi | {"allOf": [schema]}
        value = resolved(openapi, example)["value"]
        for error in Draft202012Validator(whole).iter_errors(value):
            findings.append(f"example {what}: {error.json_path}: {error.message[:300]}")
        count += 1
    for name, message in asyncapi["components"]["messages"].items():
        for example in message["examples"]:
            whole = asyncapi | {"allOf": [message["payload"]]}
            for error in Draft7Validator(whole).iter_errors(example["payload"]):
                findings.append(f"example {name}: {error.json_path}: {error.message[:300]}")
            count += 1
    print(f"{count} examples, {len(findings)} findings")
    print("\n".join(findings))
    sys.exit(1 if findings or not count else 0)


main()
