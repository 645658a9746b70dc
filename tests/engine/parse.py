"""Statements in as JSON strings, one a line; codes out as JSON numbers, one a line. The engine is embedded, in a folder given."""

import json
import os
import re
import sys

# The engine prints as it likes: the answers get a descriptor of their own.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

import pylibseekdb  # noqa: E402


def code_of(cursor, statement):
    try:
        cursor.execute(statement)
        return 0
    except RuntimeError as error:
        found = re.search(r"\((\d+)\)", str(error))
        if not found:
            raise
        return int(found.group(1))


pylibseekdb.open(os.path.join(sys.argv[1], "engine"))
cursor = pylibseekdb.connect("").cursor()
for line in sys.stdin:
    answers.write(json.dumps(code_of(cursor, json.loads(line))) + "\n")
    answers.flush()
answers.flush()
# No orderly end: the folder is thrown away.
os._exit(0)
