#!/usr/bin/python3
"""What a build of cnibox consists of, as an SPDX 2.3 document on standard output: from Debian's package database.

    tools/sbom.py PROGRAM ARCHITECTURE

The same build gives the same document: its time is SOURCE_DATE_EPOCH's, else the beginning of time; its namespace is made of
the program's digest. A package whose licence is no longer the one that is stated here fails the build.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

FORMS = {"MIT": "Permission is hereby granted, free of charge", "MPL-2.0": "Mozilla Public License"}
# Package, name, licence, how the program is related to it.
PARTS = (
    ("musl-dev", "musl", "MIT", "STATIC_LINK"),
    ("libbearssl-dev", "BearSSL", "MIT", "STATIC_LINK"),
    ("libjsmn-dev", "jsmn", "MIT", "STATIC_LINK"),
    ("ca-certificates", "Mozilla's certificates", "MPL-2.0", "GENERATED_FROM"),
)
FIELDS = ("Version", "source:Package", "Homepage", "Maintainer")


def look_up(package, architecture):
    """Of a package of that architecture, of any, or of this machine's."""
    for name in (f"{package}:{architecture}", package):
        done = subprocess.run(["dpkg-query", "-W", "-f", "\\n".join(f"${{{field}}}" for field in FIELDS), name],
                              capture_output=True, text=True)
        if done.returncode == 0:
            return dict(zip(FIELDS, done.stdout.split("\n")))
    sys.exit(f"sbom: package {package} is not installed: make deps")


def holders(package, licence):
    """The lines that name who holds the copyright, after a look at the licence's own words."""
    text = Path(f"/usr/share/doc/{package}/copyright").read_text(encoding="utf-8")
    if FORMS[licence] not in re.sub(r"\s+", " ", text):
        sys.exit(f"sbom: {package} is not under {licence} any more: third_party/README.md and tools/sbom.py say so")
    lines = [re.sub(r"^[\s.*]+", "", line) for line in text.splitlines()]
    return sorted({line for line in lines if re.match(r"(Copyright:?|©)\s.*\d{4}", line)})


def package_of(package, name, licence, architecture):
    found = look_up(package, architecture)
    return {
        "SPDXID": f"SPDXRef-{package}",
        "name": name,
        "versionInfo": found["Version"],
        "supplier": "Person: " + found["Maintainer"].replace("<", "(").replace(">", ")"),
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        # Some have pieces under others, which the file in /usr/share/doc lists.
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": licence,
        "copyrightText": "\n".join(holders(package, licence)) or "NOASSERTION",
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": f"pkg:deb/debian/{package}@{found['Version']}?arch={architecture}",
        }],
    } | ({"homepage": found["Homepage"]} if found["Homepage"] else {})


def main(program, architecture):
    content = Path(program).read_bytes()
    version = re.search(r'CNIBOX_VERSION "([^"]+)"', Path("src/base/version.h").read_text(encoding="ascii"))[1]
    digest = hashlib.sha256(content).hexdigest()
    created = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", "0")))
    own = {
        "SPDXID": "SPDXRef-cnibox",
        "name": "cnibox",
        "versionInfo": version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "checksums": [{"algorithm": "SHA256", "checksumValue": digest}],
        "primaryPackagePurpose": "APPLICATION",
    }
    parts = [(package_of(package, name, licence, architecture), relation) for package, name, licence, relation in PARTS]
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", own["SPDXID"])]
    relations += [(own["SPDXID"], relation, part["SPDXID"]) for part, relation in parts]
    json.dump({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"cnibox-{version}-{architecture}",
        "documentNamespace": f"https://spdx.org/spdxdocs/cnibox-{version}-{architecture}-{digest}",
        "creationInfo": {"created": time.strftime("%Y-%m-%dT%H:%M:%SZ", created), "creators": ["Tool: cnibox-tools-sbom"]},
        "packages": [own, *(part for part, _ in parts)],
        "relationships": [{"spdxElementId": a, "relationshipType": relation, "relatedSpdxElement": b}
                          for a, relation, b in relations],
    }, sys.stdout, indent=2, ensure_ascii=False)
    print()


main(*sys.argv[1:])
