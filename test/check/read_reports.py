"""Reads reports with the readers that CI systems and people use, and prints what they understood as JSON."""

import json
import sys
from pathlib import Path

from junitparser import JUnitXml
from sarif.loader import load_sarif_file


def read_junit(path: Path) -> dict:
    xml = JUnitXml.fromfile(str(path))
    suites = list(xml)
    return {
        "tests": xml.tests,
        "failures": xml.failures,
        "suites": [
            {
                "name": suite.name,
                "tests": suite.tests,
                "failures": suite.failures,
                "out": suite._elem.findtext("system-out"),
                "properties": {item.name: item.value for item in suite.properties()},
                "cases": [
                    {
                        "name": case.name,
                        "file": case._elem.get("file"),
                        "line": case._elem.get("line"),
                        "failures": [
                            {"message": one.message, "type": one.type, "text": one.text} for one in case.result
                        ],
                        "out": case.system_out,
                    }
                    for case in suite
                ],
            }
            for suite in suites
        ],
    }


def read_sarif(path: Path) -> dict:
    sarif = load_sarif_file(str(path))
    return {
        "version": sarif.data["version"],
        "tools": sarif.get_distinct_tool_names(),
        "errors": sarif.get_report().any_none_severities(),
        "records": sarif.get_records(),
        "texts": [result["message"]["text"] for result in sarif.get_results()],
        "prints": [result["partialFingerprints"] for result in sarif.get_results()],
    }


READERS = {".xml": read_junit, ".sarif": read_sarif}
paths = [path for path in sorted(Path(sys.argv[1]).iterdir()) if path.suffix in READERS]
json.dump({path.name: READERS[path.suffix](path) for path in paths}, sys.stdout)
