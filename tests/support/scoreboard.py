# SPDX-License-Identifier: Apache-2.0
"""The one table in which every attack on the promise says how it ended."""

COLUMNS = ("attack", "repetitions", "rows in", "delivered", "reported lost", "unreported lost", "out of order", "repeats")
UNKNOWN = "-"  # does not apply to this attack


class Scoreboard:
    """Lines of results; `holds` when nothing was lost unreported and nothing came out of order."""

    def __init__(self):
        self.lines = []

    def add(self, attack, repetitions, **counts):
        """Counts by the names of the columns, with underscores; what is not given does not apply."""
        known = {column.replace(" ", "_"): column for column in COLUMNS[2:]}
        wrong = set(counts) - set(known)
        if wrong:
            raise ValueError(f"the scoreboard has no column for {', '.join(sorted(wrong))}")
        self.lines.append([attack, repetitions, *(counts.get(name, UNKNOWN) for name in known)])

    def holds(self):
        bad = [COLUMNS.index("unreported lost"), COLUMNS.index("out of order")]
        return all(line[column] in (0, UNKNOWN) for line in self.lines for column in bad)

    def text(self):
        table = [[str(cell) for cell in line] for line in [COLUMNS, *self.lines]]
        widths = [max(len(line[column]) for line in table) for column in range(len(COLUMNS))]
        return "\n".join(
            "  ".join([line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:]))])
            for line in table)

    def show(self):
        print(self.text(), flush=True)
