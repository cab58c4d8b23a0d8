"""Bars for people: a chart as SVG text, without a library, as it is a few rectangles and words."""

from xml.sax.saxutils import escape

WIDTH, LABEL, VALUE, BAR, GAP, HEAD = 760, 190, 90, 14, 8, 34
COLOURS = {"add": "#2b6cb0", "del": "#c05621"}


def _text(x, y, size, words, colour="#1a202c"):
    return f'<text x="{x:.1f}" y="{y}" font-size="{size}" fill="{colour}">{escape(words)}</text>'


def draw(sections):
    """sections: {title: {candidate: {"add": ms, "del": ms}}}, each to a scale of its own."""
    y, parts = 10, []
    for title, candidates in sections.items():
        scale = (WIDTH - LABEL - VALUE) / max(value for verbs in candidates.values() for value in verbs.values())
        parts.append(_text(10, y + 16, 15, f"{title}: ms, medians of whole processes"))
        y += HEAD
        for who, verbs in candidates.items():
            parts.append(_text(10, y + BAR + 4, 13, who))
            for verb, value in verbs.items():
                width = max(value * scale, 1)
                parts.append(f'<rect x="{LABEL}" y="{y}" width="{width:.1f}" height="{BAR}" fill="{COLOURS[verb]}"/>')
                parts.append(_text(LABEL + width + 6, y + BAR - 3, 11, f"{verb.upper()} {value:.2f}", "#4a5568"))
                y += BAR + 2
            y += GAP
        y += GAP
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" font-family="sans-serif">\n'
            f'<rect width="{WIDTH}" height="{y}" fill="#ffffff"/>\n' + "\n".join(parts) + "\n</svg>\n")
