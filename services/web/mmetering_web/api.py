"""Answers in JSON, and their errors."""

from flask import Response, request
from mmetering_contract.payload import encode


def passed_through(text: str) -> Response:
    """Return JSON as the database built it; the newest quarter hour changes, so nobody keeps it."""
    return Response(text, mimetype="application/json", headers={"Cache-Control": "no-store"})


def problem(message: str, status: int) -> Response:
    """Return what is wrong."""
    return Response(encode({"error": message}), status, mimetype="application/json")


def is_for_program() -> bool:
    """Whether a program asks, and would not know what to do with a page."""
    return request.path == "/stream" or request.path.startswith("/api/")
