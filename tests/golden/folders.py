"""Folders that a golden describes and its test writes again (golden_folder.cc): a file is {"text"},
{"json"}, {"copy"} of a file below this one, perhaps with a JSON merge {"patch"}, or null: none."""

import json
import shutil

import oracle


def copy(path, patch=None):
    return {"copy": path} | ({"patch": patch} if patch else {})


def merge(target, patch):
    """RFC 7396, as the test's JSON library does it."""
    if not isinstance(patch, dict):
        return patch
    target = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        else:
            target[key] = merge(target.get(key), value)
    return target


def write_files(files, folder):
    for name, source in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if source is None:
            path.unlink()
        elif "text" in source:
            path.write_bytes(source["text"].encode())
        elif "json" in source:
            path.write_text(json.dumps(source["json"]))
        elif "patch" in source:
            content = json.loads((oracle.HERE / source["copy"]).read_text())
            path.write_text(json.dumps(merge(content, source["patch"])))
        else:
            shutil.copyfile(oracle.HERE / source["copy"], path)
