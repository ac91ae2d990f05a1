"""Record what real SDKs send: `python -m bench.sdks [--only NAME] [--environments FOLDER]`.

Makes an environment per SDK (pip and npm, pinned), runs its app against the fake, and writes
tests/golden/sdks/<sdk>.json. Needs a package registry, and Node.js for the SDK of npm.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from bench.sdks import planted
from bench.sdks.catalogue import SDKS, Sdk
from bench.sdks.fake import serving
from bench.sdks.recording import recording, written

ROOT = Path(__file__).parents[2]
APPS = Path(__file__).parent / "apps"
GOLDEN = ROOT / "tests" / "golden" / "sdks"


def make(sdk: Sdk, folder: Path) -> None:
    """Install the pinned packages; nothing where they are installed already."""
    mark = folder / "installed.txt"
    wanted = "\n".join(sdk.packages)
    if mark.exists() and mark.read_text() == wanted:
        return
    folder.mkdir(parents=True, exist_ok=True)
    if sdk.app.endswith(".mjs"):
        (folder / "package.json").write_text('{"private": true}')
        subprocess.run(["npm", "install", "--silent", *sdk.packages], cwd=folder, check=True)
    else:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = str(folder / "bin" / "python")
        subprocess.run([sys.executable, "-m", "uv", "pip", "install", "-q", "--python", python,
                        *sdk.packages], check=True)  # fmt: skip
    mark.write_text(wanted)


def record(sdk: Sdk, folder: Path) -> None:
    """Run the app once and write what arrived."""
    make(sdk, folder)
    values = {k: v for k, v in vars(planted).items() if k.isupper()}
    with serving() as (url, received):
        environ = {
            "PATH": os.pathsep.join([str(folder / "bin"), os.environ["PATH"]]),
            "HOME": str(folder), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1",
            "OPENAI_API_KEY": "sk-none", "OPENAI_BASE_URL": f"{url}/v1",
            "ANTHROPIC_API_KEY": "sk-none", "ANTHROPIC_BASE_URL": url,
            "PLANTED": json.dumps(values),
            **{k: v.replace("{otlp}", url) for k, v in sdk.environ.items()},
        }  # fmt: skip
        script = APPS / sdk.app
        if script.suffix == ".mjs":  # modules are looked for from where the script lies
            script = Path(shutil.copy(script, folder))
        done = subprocess.run([*sdk.run, str(script)], env=environ, cwd=folder, timeout=180,
                              capture_output=True, text=True)  # fmt: skip
        if done.returncode:
            sys.exit(f"{sdk.name}: {done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    packages = dict(re.split("==|(?<=.)@", each) for each in sdk.packages)
    packages = {name: packages[name] for name in sdk.shown or packages}
    document = recording(sdk.name, sdk.title, packages, sdk.environ, received)
    GOLDEN.mkdir(parents=True, exist_ok=True)
    (GOLDEN / f"{sdk.name}.json").write_text(written(document))
    ways = sorted({f"{r['path']} {r['authorization']}".strip() for r in document["requests"]})
    print(f"{sdk.name}: {len(received)} requests, {', '.join(ways)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=[s.name for s in SDKS])
    parser.add_argument("--environments", type=Path, default=ROOT / ".sdks")
    given = parser.parse_args()
    for sdk in SDKS:
        if not given.only or sdk.name in given.only:
            record(sdk, given.environments / sdk.environment)


if __name__ == "__main__":
    main()
