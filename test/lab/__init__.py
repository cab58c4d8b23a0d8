"""Nodes, a VPC and a host outside, in namespaces that end with the process that made them."""

from . import configs, deny, kernel, matrix, snapshot
from .google import CloudShell, Google
from .lab import NETWORK, NETWORK6, OUTSIDE, OUTSIDE6, Lab
from .node import Node, Pod
from .runtime import Attachment, Result
from .space import LabError, Space

__all__ = ["NETWORK", "NETWORK6", "OUTSIDE", "OUTSIDE6", "Attachment", "CloudShell", "Google", "Lab", "LabError", "Node",
           "Pod", "Result", "Space", "configs", "deny", "kernel", "matrix", "snapshot"]
