#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""JSON values, one a line on standard input, held against the JSON Schema named by the argument.

Receives what the tests kept of tcptimer's output; exits 1 with the first lines that do not fit,
77 when it cannot check (Debian's package: python3-jsonschema).
"""
import json
import sys

try:
    import jsonschema
except ImportError:
    print("no python3-jsonschema here: the output was not validated", file=sys.stderr)
    sys.exit(77)

with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
checker = jsonschema.validators.validator_for(schema)
checker.check_schema(schema)
validator = checker(schema)
lines = bad = 0
for line in sys.stdin:
    lines += 1
    for error in validator.iter_errors(json.loads(line)):
        bad += 1
        if bad <= 10:
            print(f"line {lines}: {error.json_path}: {error.message[:300]}\n  {line[:1000]}", file=sys.stderr)
if not lines:
    print("nothing to validate", file=sys.stderr)
sys.exit(1 if bad or not lines else 0)
