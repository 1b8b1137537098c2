"""Holds documents to the schemas of Kubernetes, strictly: a field that a schema does not have is
refused.

    validate.py 1.34 1.37 <documents >complaints

Reads a document a line, as JSON, and answers each with a line: a JSON array of what is wrong with
it, by the first release that complains.
"""

import functools
import json
import sys

from kubernetes_validate import utils

# Each release has a megabyte of definitions; they are read once.
utils.schema_contents = functools.cache(utils.schema_contents)
utils.all_versions = functools.cache(utils.all_versions)


def complaints(document: dict, versions: list[str]) -> list[str]:
    for field in ("apiVersion", "kind"):
        if not isinstance(document.get(field), str):
            return [f"document: no {field}"]
    for version in versions:
        try:
            utils.validate(document, version, strict=True)
        except utils.ValidationError as error:
            place = ".".join(str(part) for part in error.absolute_path)
            return [f"{place or 'document'}: {error.message} (Kubernetes {version})"]
        except (utils.SchemaNotFoundError, utils.VersionNotSupportedError) as error:
            return [error.message]
    return []


def main() -> None:
    for line in sys.stdin:
        print(json.dumps(complaints(json.loads(line), sys.argv[1:])), flush=True)


main()
