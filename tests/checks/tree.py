"""The source tree as the checks see it: which files there are and what they include."""

import pathlib
import re
import subprocess

SOURCE_FOLDERS = ("kernels", "model", "server", "cli")
CODE_FOLDERS = SOURCE_FOLDERS + ("bench", "tests")
CODE_SUFFIXES = (".h", ".cc", ".cu", ".cuh")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.MULTILINE)


def files(root, folders=None):
    """Paths below root (POSIX, relative, sorted), as git would commit them."""
    listed = subprocess.run(
        ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True, capture_output=True).stdout.decode()
    paths = {path for path in listed.split("\0") if path and (pathlib.Path(root) / path).is_file()}
    return sorted(path for path in paths if folders is None or path.split("/")[0] in folders)


def code(root, folders=CODE_FOLDERS):
    return [path for path in files(root, folders) if path.endswith(CODE_SUFFIXES)]


def read(root, path):
    return (pathlib.Path(root) / path).read_bytes().decode("utf-8")


def includes(text):
    """(delimiter, path) of each #include, in order."""
    return INCLUDE.findall(text)


def report(name, problems):
    """Prints the problems, one a line; the exit status for main."""
    for problem in problems:
        print(f"{name}: {problem}")
    return 1 if problems else 0
