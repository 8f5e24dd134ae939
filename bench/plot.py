"""Points and straight lines as SVG, with nothing but the standard library."""
import math
from xml.sax.saxutils import escape

COLOURS = ("#1f5fa8", "#c4501b", "#2e7d4f", "#7a3f9d")
WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 460, 340, 62, 48, 34, 16


def least_squares(points):
    """Slope, intercept and R² of y over x."""
    count = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / count, sum(y for _, y in points) / count
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    intercept = mean_y - slope * mean_x
    off = sum((y - slope * x - intercept) ** 2 for x, y in points)
    return slope, intercept, 1 - off / sum((y - mean_y) ** 2 for _, y in points)


def ticks(largest):
    """About five round numbers from 0 on; the last is not below `largest`."""
    raw = largest / 5
    power = 10 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw)
    return [step * i for i in range(math.ceil(largest / step - 1e-9) + 1)]


def text(x, y, words, anchor="middle", size=12, extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{extra}>{escape(words)}</text>'


def panel(left, title, x_name, y_name, series):
    """One diagram; series are (name, [(x, y) ...])."""
    x_ticks = ticks(max(x for _, points in series for x, _ in points))
    y_ticks = ticks(max(y for _, points in series for _, y in points))
    at_x = lambda x: left + LEFT + (WIDTH - LEFT - RIGHT) * x / x_ticks[-1]
    at_y = lambda y: HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * y / y_ticks[-1]
    parts = [text(left + (WIDTH + LEFT) / 2, 20, title, size=14)]
    for x in x_ticks:
        parts.append(f'<line x1="{at_x(x):.1f}" y1="{at_y(0):.1f}" x2="{at_x(x):.1f}" y2="{TOP}" stroke="#e4e4e4"/>')
        parts.append(text(at_x(x), at_y(0) + 17, f"{x:g}"))
    for y in y_ticks:
        parts.append(f'<line x1="{at_x(0):.1f}" y1="{at_y(y):.1f}" x2="{at_x(x_ticks[-1]):.1f}" y2="{at_y(y):.1f}" '
                     'stroke="#e4e4e4"/>')
        parts.append(text(at_x(0) - 7, at_y(y) + 4, f"{y:g}", "end"))
    parts.append(text(left + (WIDTH + LEFT) / 2, HEIGHT - 10, x_name))
    middle = (HEIGHT - BOTTOM + TOP) / 2
    parts.append(text(left + 16, middle, y_name, extra=f' transform="rotate(-90 {left + 16} {middle:.1f})"'))
    for i, (name, points) in enumerate(series):
        slope, intercept, r2 = least_squares(points)
        colour = COLOURS[i % len(COLOURS)]
        ends = [min(x for x, _ in points), max(x for x, _ in points)]
        (x1, x2), (y1, y2) = ends, [slope * x + intercept for x in ends]
        parts.append(f'<line x1="{at_x(x1):.1f}" y1="{at_y(max(y1, 0)):.1f}" x2="{at_x(x2):.1f}" y2="{at_y(y2):.1f}" '
                     f'stroke="{colour}" stroke-width="1.5"/>')
        parts += [f'<circle cx="{at_x(x):.1f}" cy="{at_y(y):.1f}" r="3.5" fill="{colour}"/>' for x, y in points]
        parts.append(f'<circle cx="{left + LEFT + 14}" cy="{TOP + 12 + 18 * i}" r="3.5" fill="{colour}"/>')
        parts.append(text(left + LEFT + 24, TOP + 16 + 18 * i, f"{name}, R² {r2:.4f}", "start"))
    return parts


def write(path, panels):
    """Diagrams side by side; each is (title, name of x, name of y, series)."""
    width = WIDTH * len(panels)
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT}" viewBox="0 0 {width} {HEIGHT}" '
             'font-family="sans-serif">', f'<rect width="{width}" height="{HEIGHT}" fill="#ffffff"/>']
    for i, described in enumerate(panels):
        lines += panel(WIDTH * i, *described)
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n</svg>\n")
