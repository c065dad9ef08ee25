"""Health, metrics, settings and the machine over HTTP."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter()
