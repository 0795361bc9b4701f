"""Tests that read like a chat. They mirror the packages; `journeys/` holds whole conversations."""
