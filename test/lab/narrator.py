"""Run commands in front of an audience: what is typed, on which node, what it says."""

import sys

# The escape sequences of a terminal, by meaning.
STYLES = {"heading": "1", "prompt": "36", "good": "32", "bad": "31"}


class Narrator:
    def __init__(self, out=sys.stdout):
        self.out = out
        self.colours = out.isatty()

    def style(self, name, text):
        return f"\033[{STYLES[name]}m{text}\033[0m" if self.colours else text

    def say(self, text=""):
        print(text, file=self.out, flush=True)

    def heading(self, text):
        self.say()
        self.say(self.style("heading", f"== {text}"))

    def typed(self, node, command):
        self.say(f"{self.style('prompt', node.name + ' $')} {command}")

    def show(self, text):
        for line in text.rstrip().splitlines():
            self.say(f"    {line}")

    def run(self, node, command, quiet=False):
        """Type a command on a node. It must succeed; what it prints is shown, and given back."""
        self.typed(node, command)
        done = node.run("sh", "-euc", command)
        if not quiet:
            self.show(done.stderr + done.stdout)
        return done.stdout

    def verdict(self, good, text):
        mark = self.style("good", "ok  ") if good else self.style("bad", "NOT ")
        self.say(f"  {mark} {text}")
