"""Bars for people: a chart as SVG text, without a library, as it is a few rectangles and words."""

from xml.sax.saxutils import escape

WIDTH, LABEL, BAR, GAP = 720, 130, 18, 10
COLOURS = {"add": "#2b6cb0", "del": "#c05621"}


def bars(title, medians):
    """medians: {candidate: {"add": ms, "del": ms}}"""
    longest = max(value for verbs in medians.values() for value in verbs.values())
    scale = (WIDTH - LABEL - 100) / longest
    y, parts = 50, [f'<text x="10" y="24" font-size="16" fill="#1a202c">{escape(title)}: ms, median of whole processes'
                    "</text>"]
    for who, verbs in medians.items():
        parts.append(f'<text x="10" y="{y + BAR + 5}" font-size="14" fill="#1a202c">{escape(who)}</text>')
        for verb, value in verbs.items():
            width = max(value * scale, 1)
            parts.append(f'<rect x="{LABEL}" y="{y}" width="{width:.1f}" height="{BAR}" fill="{COLOURS[verb]}"/>')
            parts.append(f'<text x="{LABEL + width + 6:.1f}" y="{y + BAR - 4}" font-size="12" fill="#4a5568">'
                         f"{verb.upper()} {value:.2f}</text>")
            y += BAR + 2
        y += GAP
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" font-family="sans-serif">'
            f'<rect width="{WIDTH}" height="{y}" fill="#ffffff"/>' + "".join(parts) + "</svg>\n")
