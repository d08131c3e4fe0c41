"""Kale's analysis of a notebook: ``kale_analysis.py NOTEBOOK`` prints CPU seconds after all imports."""

import json
import logging
import sys
import time

from kale.processors import NotebookProcessor

logging.disable(logging.CRITICAL)
start = time.process_time()
pipeline = NotebookProcessor(sys.argv[1], {"experiment_name": "study", "pipeline_name": "study"}).run()
seconds = time.process_time() - start
sys.stdout.write("\n" + json.dumps({"cpu": seconds, "steps": len(list(pipeline.steps))}) + "\n")
