#!/usr/bin/env python3
"""Writes the German dashboards (dashboards/de) from the English ones and german.json.

With --check it writes nothing, and fails if they are not up to date.
"""
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
WORDS = json.loads((HERE / "german.json").read_text())
# Where people read what stands there.
READ = {"title", "description", "titleFormat", "label", "text", "name", "displayName"}
# Names that queries and links know.
FIXED = {"datasource", "device", "Prometheus", "Sordino"}


def german(value, unknown):
    """Returns the German of a text, and notes what has none."""
    if value in FIXED or not value:
        return value
    if value not in WORDS:
        unknown.add(value)
    return WORDS.get(value, value)


def translate(node, unknown):
    """Returns a copy of a part of a dashboard with its texts in German."""
    if isinstance(node, list):
        return [translate(part, unknown) for part in node]
    if not isinstance(node, dict):
        return node
    done = {}
    for key, part in node.items():
        if key in READ and isinstance(part, str):
            done[key] = german(part, unknown)
        elif key == "renameByName":
            done[key] = {column: german(name, unknown) for column, name in part.items()}
        elif key == "matcher" and part.get("id") == "byName":
            done[key] = dict(part, options=WORDS.get(part["options"], part["options"]))
        else:
            done[key] = translate(part, unknown)
    return done


def main():
    stale, unknown = [], set()
    for source in sorted((HERE / "dashboards/en").glob("*.json")):
        dashboard = translate(json.loads(source.read_text()), unknown)
        dashboard["uid"] += "-de"
        dashboard["links"][0]["tags"] = dashboard["tags"] = ["sordino-de"]
        text = json.dumps(dashboard, indent=1, ensure_ascii=False) + "\n"
        target = HERE / "dashboards/de" / source.name
        if not target.exists() or target.read_text() != text:
            stale.append(target.name)
        if "--check" not in sys.argv:
            target.parent.mkdir(exist_ok=True)
            target.write_text(text)
    if unknown:
        sys.exit(f"german.json does not have: {sorted(unknown)}")
    if stale and "--check" in sys.argv:
        sys.exit(f"run deploy/grafana/german.py: {stale}")


main()
