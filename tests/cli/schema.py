#!/usr/bin/python3
"""Validates JSON documents against a JSON Schema (draft 2020-12).

usage: schema.py SCHEMA [FILE...]     standard input without FILE or for "-"

Exit: 0 all valid; 1 one is not, or is no JSON; 2 usage, or no such file; 77
where the jsonschema package is missing (Debian: python3-jsonschema).
"""

import json
import sys


def no_constant(word):
    raise ValueError("%s is no JSON" % word)


def no_twins(pairs):
    keys = [k for k, _ in pairs]
    twins = {k for k in keys if keys.count(k) > 1}
    if twins:
        raise ValueError("keys given twice: %s" % ", ".join(sorted(twins)))
    return dict(pairs)


def load(name):
    """One strict document: no NaN, no key twice, nothing behind it."""
    if name == "-":
        text = sys.stdin.read()
    else:
        with open(name, encoding="utf-8") as f:
            text = f.read()
    return json.loads(text, parse_constant=no_constant,
                      object_pairs_hook=no_twins)


def complain(validator, name):
    """Prints what is wrong with the document; True where something is."""
    try:
        document = load(name)
    except ValueError as e:
        print("%s: %s" % (name, e), file=sys.stderr)
        return True
    errors = list(validator.iter_errors(document))
    for e in errors:
        where = "/".join(str(p) for p in e.absolute_path)
        print("%s: /%s: %s" % (name, where, e.message), file=sys.stderr)
    return bool(errors)


def main(argv):
    if len(argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        from jsonschema import Draft202012Validator
    except ImportError:
        print("schema.py: install python3-jsonschema", file=sys.stderr)
        return 77
    try:
        schema = load(argv[1])
        Draft202012Validator.check_schema(schema)
        validator = Draft202012Validator(schema)
        wrong = [complain(validator, n) for n in argv[2:] or ["-"]]
    except OSError as e:
        print("schema.py: %s" % e, file=sys.stderr)
        return 2
    return 1 if any(wrong) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
