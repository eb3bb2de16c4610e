"""Writes the Python client of Prisma, from what Prisma's own program would ask its generator; takes that as input."""

import json
import sys

from prisma.generator import BASE_PACKAGE_DIR, Generator
from prisma.generator.models import PythonData

request = json.load(sys.stdin)
request["generator"]["output"] = {"value": str(BASE_PACKAGE_DIR), "fromEnvVar": None}
Generator().generate(PythonData.model_validate(request))
