"""Where it is measured, and what it is measured with."""

import os
import pathlib
import platform
import subprocess

HERE = pathlib.Path(__file__).resolve().parent.parent
ROOT = HERE.parent


def target():
    return pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))


def build():
    """The floor and the generator."""
    folder = target() / "bench"
    command = ["cargo", "build", "--profile", "dist", "--locked", "--quiet", "--manifest-path", HERE / "Cargo.toml"]
    subprocess.run(command, check=True, env=os.environ | {"CARGO_TARGET_DIR": str(folder)})
    return folder / "dist"


def machine(*others):
    """Cores, system, commit, and the versions of the compiler and of other programs."""
    info = pathlib.Path("/proc/cpuinfo").read_text()
    model = next((line.split(":")[1].strip() for line in info.splitlines() if line.startswith("model name")), "?")
    commit = first_line("git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude=*")
    versions = ", ".join([first_line("rustc", "--version"), *others])
    return f"{os.cpu_count()} × {model}, Linux {platform.release().split('-')[0]}; commit {commit}; {versions}"


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "?"
    return (done.stdout or done.stderr).splitlines()[0]
