"""Submit, watch, steer and read jobs over HTTP."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter()
