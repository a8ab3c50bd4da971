"""The bill of materials of an image, in CycloneDX 1.5 JSON (https://cyclonedx.org/docs/1.5).

Written by hand from what the image was made of: a component per package, named by its package
URL (https://github.com/package-url/purl-spec), and nothing that differs between two runs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from toolchain.docker.debian import Package


def document(name: str, identity: str, suite: str, packages: Sequence[Package], epoch: int) -> str:
    """Return the bill of materials as JSON text.

    Args:
        name: The image's name.
        identity: The image's id.
        suite: The Debian suite of its base.
        packages: All of its packages.
        epoch: The image's time, seconds since 1970.
    """
    return json.dumps(
        {
            "bomFormat": "CycloneDX",
            "specVersion": "1.5",
            "version": 1,
            "metadata": {
                "timestamp": datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "component": {
                    "type": "container",
                    "bom-ref": identity,
                    "name": name,
                    "version": identity,
                },
            },
            "components": [_component(package, suite) for package in packages],
        },
        indent=2,
    )


def purl(package: Package, suite: str) -> str:
    """Return the package URL of a Debian or Python package."""
    version = quote(package.version, safe="")
    if package.architecture:
        where = f"arch={package.architecture}&distro={suite}"
        return f"pkg:deb/debian/{quote(package.name, safe='')}@{version}?{where}"
    return f"pkg:pypi/{package.name.replace('_', '-')}@{version}"


def _component(package: Package, suite: str) -> dict[str, Any]:
    url = purl(package, suite)
    return {
        "type": "library",
        "bom-ref": url,
        "name": package.name,
        "version": package.version,
        "purl": url,
    }
