"""What a web process must not carry: torch alone takes seconds to start and hundreds of megabytes."""

import json
import os
import subprocess
import sys

PROBE = """
import json, sys
import config.wsgi
from django.urls import get_resolver
def walk(patterns):
    for pattern in patterns:
        yield pattern
        yield from walk(getattr(pattern, "url_patterns", []))
routes = len(list(walk(get_resolver().url_patterns)))
heavy = [
    "torch", "torchvision", "facenet_pytorch", "cv2", "dlib", "av", "pytorch_metric_learning",
    "scipy", "sklearn", "onnx", "onnxruntime", "optuna", "pandas",
]
print(json.dumps({"routes": routes, "loaded": [name for name in heavy if name in sys.modules]}))
"""


def test_a_web_process_never_imports_torch_opencv_or_dlib():
    answer = subprocess.run(
        [sys.executable, "-c", PROBE], env=os.environ.copy(), capture_output=True, text=True, timeout=120, check=True
    )
    found = json.loads(answer.stdout.splitlines()[-1])
    assert found["routes"] > 30, "The probe should have loaded every page and endpoint."
    assert found["loaded"] == []
