"""The README's figures: chart and table between two marks, so that they are those of one run."""

import os
import platform
from datetime import date

import chart
from lab import configs
from timings import goals_table

README = configs.REPOSITORY / "README.md"
CHART = configs.REPOSITORY / "tools" / "bench" / "chart.svg"
BEGIN, END = "<!-- make bench B=--readme -->", "<!-- end -->"


def write(sections, goals, seconds):
    """sections: as chart.draw() takes them."""
    CHART.write_text(chart.draw(sections))
    before, rest = README.read_text().split(BEGIN)
    _, after = rest.split(END)
    said = (f"![ADD and DEL, in ms]({CHART.relative_to(configs.REPOSITORY)})\n\n{goals_table(goals)}\n\n"
            f"Linux {platform.release()}, {os.cpu_count()} processors, {date.today()}, {seconds:.0f} s.")
    README.write_text(f"{before}{BEGIN}\n\n{said}\n\n{END}{after}")
