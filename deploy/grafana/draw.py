#!/usr/bin/env python3
"""Draws the dashboards as SVG, from the answers that a Prometheus gave to their
queries: for README.md, where no Grafana is at hand.

    mkdir /tmp/shown
    SORDINO_PICTURES=/tmp/shown cargo test --test all house::grafana
    deploy/grafana/draw.py /tmp/shown
"""
import html
import json
import math
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
COLUMN, ROW, GAP = 50, 30, 8
COLOURS = ["#3b74c4", "#d98e2b", "#4f8f6b", "#8a6fd1", "#c4453b", "#3aa3a0", "#b5651d", "#6e7079", "#c77cab", "#8aa13a"]
INK, FAINT, PAPER, CARD = "#24292f", "#6b7280", "#f4f5f7", "#ffffff"


def text(x, y, said, size=11, fill=INK, anchor="start", weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}" text-anchor="{anchor}" '
            f'font-weight="{weight}">{html.escape(str(said))}</text>')


def box(x, y, w, h, fill, extra=""):
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(w, 0):.1f}" height="{max(h, 0):.1f}" fill="{fill}" {extra}/>'


def shown(value, unit=None, decimals=None):
    """Writes a number as Grafana would, near enough."""
    if value is None or not math.isfinite(value):
        return "–"
    if unit == "s":
        for size, name in ((86400, "days"), (3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms")):
            if value >= size:
                return f"{value / size:.3g} {name}"
        return f"{value * 1e6:.3g} µs" if value > 0 else "0 s"
    if unit == "bytes":
        for size, name in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
            if value >= size:
                return f"{value / size:.3g} {name}"
        return f"{value:.0f} B"
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    suffix = {"reqps": " /s"}.get(unit, "")
    if decimals == 0 or value == int(value):
        return f"{value:.0f}{suffix}"
    return f"{value:.3g}{suffix}"


def mapping(defaults, value):
    """Returns word and colour for a value, where the dashboard has them."""
    for each in defaults.get("mappings", []):
        found = each["options"].get(str(int(value)))
        if found:
            return found["text"], found["color"]
    return None


def legend(target, series):
    """Fills in a legend's labels."""
    form, labels = target.get("legendFormat", "__auto"), series["metric"]
    if form == "__auto":
        return ", ".join(labels.values())
    for key, value in labels.items():
        form = form.replace("{{" + key + "}}", value or "unknown")
    return form


def number(pair):
    try:
        return float(pair[1])
    except ValueError:
        return math.nan


class Panel:
    def __init__(self, panel, answers, start, end):
        self.panel, self.answers, self.start, self.end = panel, answers, start, end
        place = panel["gridPos"]
        self.x, self.y = place["x"] * COLUMN + GAP, place["y"] * ROW + GAP
        self.w, self.h = place["w"] * COLUMN - GAP, place["h"] * ROW - GAP
        self.defaults = panel["fieldConfig"]["defaults"]
        self.unit, self.decimals = self.defaults.get("unit"), self.defaults.get("decimals")

    def draw(self):
        out = [box(self.x, self.y, self.w, self.h, CARD, 'rx="4" stroke="#d9dde3"'),
               text(self.x + 10, self.y + 18, self.panel["title"], 12, weight="bold")]
        out += getattr(self, self.panel["type"].replace("-", "_"))()
        return out

    def all(self):
        for target, answer in zip(self.panel["targets"], self.answers):
            for series in answer:
                yield legend(target, series), series

    def at(self, moment):
        inside = self.w - 70
        return self.x + 55 + (moment - self.start) / (self.end - self.start) * inside

    def stat(self):
        name, series = next(self.all())
        value = number(series["value"])
        word, colour = mapping(self.defaults, value) or (shown(value, self.unit, self.decimals), None)
        for step in self.defaults.get("thresholds", {}).get("steps", []):
            if colour is None or (step["value"] is not None and value >= step["value"] and not mapping(self.defaults, value)):
                colour = step["color"]
        if self.panel["options"].get("textMode") == "name":
            word = name
        size = min(30, (self.w - 20) / (0.66 * len(word)))
        return [text(self.x + self.w / 2, self.y + self.h / 2 + 22, word, size, colour, "middle", "bold")]

    def bargauge(self):
        rows = [(name, number(series["value"])) for name, series in self.all()]
        most = max([value for _, value in rows] + [1])
        out, step = [], min(28, (self.h - 34) / max(len(rows), 1))
        for nth, (name, value) in enumerate(rows):
            y = self.y + 30 + nth * step
            out.append(text(self.x + 118, y + step / 2 + 4, name, anchor="end"))
            out.append(box(self.x + 125, y + 2, (self.w - 190) * value / most, step - 6, COLOURS[0], 'rx="2"'))
            out.append(text(self.x + 131 + (self.w - 190) * value / most, y + step / 2 + 4, shown(value, self.unit, 0)))
        return out

    def table(self):
        organize = self.panel["transformations"][1]["options"]
        hidden = {o["matcher"]["options"] for o in self.panel["fieldConfig"]["overrides"]
                  if {"id": "custom.hidden", "value": True} in o["properties"]}
        rows, columns = {}, []
        for target, answer in zip(self.panel["targets"], self.answers):
            value_name = "Value" if len(self.answers) == 1 else f"Value #{target['refId']}"
            for series in answer:
                labels = {k: v for k, v in series["metric"].items() if not organize["excludeByName"].get(k)}
                row = rows.setdefault(tuple(sorted(labels.items())), {})
                row.update(labels)
                row[value_name] = number(series["value"])
                columns += [c for c in (*labels, value_name) if c not in columns]
        rename = organize["renameByName"]
        columns = [c for c in rename if c in columns and c not in hidden]
        overrides = {o["matcher"]["options"]: {p["id"]: p["value"] for p in o["properties"]}
                     for o in self.panel["fieldConfig"]["overrides"]}
        rows = list(rows.values())
        for sort in self.panel["options"].get("sortBy", []):
            rows.sort(key=lambda row: max((v for c, v in row.items() if rename.get(c) == sort["displayName"]), default=-1),
                      reverse=sort["desc"])
        out, width = [], (self.w - 20) / max(len(columns), 1)
        for place, column in enumerate(columns):
            out.append(text(self.x + 10 + place * width, self.y + 38, rename[column], min(10, width / (0.7 * len(rename[column]))), FAINT, weight="bold"))
        for nth, row in enumerate(rows[:int((self.h - 44) / 17)]):
            for place, column in enumerate(columns):
                value, over = row.get(column, ""), overrides.get(rename[column], {})
                if isinstance(value, float):
                    word = mapping({"mappings": over.get("mappings", [])}, value)
                    value = word[0] if word else shown(value, over.get("unit"), 0)
                out.append(text(self.x + 10 + place * width, self.y + 56 + nth * 17, value, min(11, width / (0.65 * max(len(value), 1)))))
        return out

    def time_axis(self, bottom):
        out = []
        for nth in range(5):
            moment = self.start + (self.end - self.start) * nth / 4
            out.append(text(self.at(moment), bottom + 13, f"-{self.end - moment:.0f} s" if nth < 4 else "now", 9, FAINT, "middle"))
        return out

    def keys(self, names):
        out, x = [], self.x + 12
        for nth, (name, colour) in enumerate(names):
            if x + 7 * len(name) > self.x + self.w - 15:
                out.append(text(x, self.y + self.h - 6, "…", 10, FAINT))
                break
            out.append(box(x, self.y + self.h - 14, 8, 8, colour))
            out.append(text(x + 12, self.y + self.h - 6, name, 10, FAINT))
            x += 24 + 6 * len(name)
        return out

    def timeseries(self):
        lines = [(name, [(float(p[0]), number(p)) for p in series["values"]]) for name, series in self.all()]
        stacked = self.defaults["custom"]["stacking"]["mode"] == "normal"
        top, bottom = self.y + 30, self.y + self.h - 34
        base, areas = {}, []
        for name, points in lines:
            low = []
            if stacked:
                low = [base.get(t, 0) for t, _ in points]
                points = [(t, (v if math.isfinite(v) else 0) + b) for (t, v), b in zip(points, low)]
                base.update(points)
            areas.append((name, points, low))
        finite = [v for _, points, _ in areas for _, v in points if math.isfinite(v)]
        most = max(finite + [0]) * 1.08 or 1
        y = lambda v: bottom - v / most * (bottom - top)
        out = []
        for part in (0, 0.5, 1):
            at = y(most * part)
            out.append(f'<path d="M{self.x + 55:.1f} {at:.1f}H{self.x + self.w - 15:.1f}" stroke="#e6e8eb"/>')
            out.append(text(self.x + 50, at + 3, shown(most * part, self.unit), 9, FAINT, "end"))
        for nth, (name, points, low) in enumerate(areas):
            colour = COLOURS[nth % len(COLOURS)]
            points = [(self.at(t), y(v), lo) for (t, v), lo in zip(points, low or [0] * len(points)) if math.isfinite(v)]
            if not points:
                continue
            path = "L".join(f"{a:.1f} {b:.1f}" for a, b, _ in points)
            if stacked:
                back = "L".join(f"{a:.1f} {y(lo):.1f}" for a, _, lo in reversed(points))
                out.append(f'<path d="M{path}L{back}Z" fill="{colour}" fill-opacity=".75"/>')
            else:
                out.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
        return out + self.time_axis(bottom) + self.keys([(n, COLOURS[i % len(COLOURS)]) for i, (n, _, _) in enumerate(areas)])

    def state_timeline(self):
        lines = list(self.all())
        out, used = [], {}
        top, step = self.y + 30, min(46, (self.h - 66) / max(len(lines), 1))
        for nth, (name, series) in enumerate(lines):
            points = [(float(p[0]), number(p)) for p in series["values"]]
            every = min((b[0] - a[0] for a, b in zip(points, points[1:])), default=1)
            y = top + nth * step
            runs = []
            for moment, value in points:
                if runs and runs[-1][2] == value and moment - runs[-1][1] <= every * 1.5:
                    runs[-1][1] = moment
                else:
                    runs.append([moment, moment, value])
            for first, last, value in runs:
                word, colour = mapping(self.defaults, value) or (str(value), COLOURS[0])
                used[word] = colour
                x, width = self.at(first), self.at(min(last + every, self.end)) - self.at(first)
                out.append(box(x, y + 14, width, step - 18, colour, 'rx="2"'))
                if width > 7 * len(word):
                    out.append(text(x + 6, y + 14 + (step - 18) / 2 + 4, word, 10, "#ffffff"))
            out.append(text(self.x + 12, y + 10, name, 10, FAINT))
        return out + self.time_axis(self.y + self.h - 36) + self.keys(list(used.items()))

    def heatmap(self):
        rows = sorted(((float(s["metric"]["le"]), s) for _, s in self.all()), key=lambda row: row[0])
        cells, most = [], 0
        below = {}
        for nth, (bound, series) in enumerate(rows):
            for pair in series["values"]:
                moment, total = float(pair[0]), number(pair)
                value = total - below.get(moment, 0)
                below[moment] = total
                if value > 1e-9:
                    cells.append((nth, moment, value))
                    most = max(most, value)
        moments = sorted(below)
        every = min((b - a for a, b in zip(moments, moments[1:])), default=1)
        top, bottom = self.y + 28, self.y + self.h - 22
        step, out = (bottom - top) / len(rows), []
        for nth, (bound, _) in enumerate(rows):
            out.append(text(self.x + 50, bottom - nth * step - step / 2 + 3, shown(bound, "s") if bound < 1e9 else "more", 9, FAINT, "end"))
        for nth, moment, value in cells:
            strength = 0.15 + 0.85 * math.sqrt(value / most)
            width = self.at(min(moment + every, self.end)) - self.at(moment)
            out.append(box(self.at(moment), bottom - (nth + 1) * step, width, step - 1, COLOURS[0], f'fill-opacity="{strength:.2f}"'))
        return out + self.time_axis(bottom)


def picture(dashboard, answers):
    """Returns a dashboard as SVG."""
    panels = dashboard["panels"]
    height = max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in panels) * ROW + GAP
    times = [float(p[0]) for answer in answers.values() for a in answer for s in a for p in s.get("values", [])]
    start, end = min(times), max(times)
    width = 24 * COLUMN + GAP
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="DejaVu Sans, Verdana, sans-serif" role="img">',
           f"<title>{html.escape(dashboard['title'])}</title>", box(0, 0, width, height, PAPER)]
    for panel in panels:
        out += Panel(panel, answers[str(panel["id"])], start, end).draw()
    return "\n".join(out + ["</svg>", ""])


def main():
    folder = pathlib.Path(sys.argv[1])
    (HERE / "pictures").mkdir(exist_ok=True)
    for source in sorted((HERE / "dashboards/en").glob("*.json")):
        dashboard = json.loads(source.read_text())
        answers = json.loads((folder / source.name).read_text())
        (HERE / "pictures" / f"{source.stem}.svg").write_text(picture(dashboard, answers))


main()
