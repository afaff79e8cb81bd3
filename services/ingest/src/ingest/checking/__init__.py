"""Checks messages: decoded, validated, compared by sequence number, collected into chunks. Pure."""
