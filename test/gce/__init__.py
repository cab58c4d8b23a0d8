"""A stand-in for Google's cloud, written from its documentation: what the API refuses, this refuses."""

from .cloud import Fabric, Outcome
from .emulator import FRONT_END, HOSTS, METADATA, Emulator
from .server import Answer

__all__ = ["FRONT_END", "HOSTS", "METADATA", "Answer", "Emulator", "Fabric", "Outcome"]
