"""Run by scripts/cluster: starts the cluster and a load, shows what comes of it, and disturbs it as keys say."""

import argparse
import os
import select
import shutil
import signal
import sys
import termios
import threading
import time
import tty

from load import Load
from servers import NUMBERS, Cluster, Failed

LOCK = 20  # seconds: ttl in patroni.yml


def say(text):
    print(f"==> {text}", file=sys.stderr, flush=True)


class Watch:
    """Asks nodes and Patroni how they are, all the time, on a thread of its own."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.stats = {number: cluster.stats(number) for number in NUMBERS}
        self.members = cluster.members()
        self.begin()
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def begin(self):
        """From now on the longest time without a hit from the database counts."""
        self.last_hit = dict.fromkeys(NUMBERS, time.monotonic())
        self.longest = 0.0

    def stop(self):
        self.ending.set()
        self.thread.join()

    def run(self):
        asked = 0.0
        while not self.ending.wait(0.2):
            for number in NUMBERS:
                before, now = self.stats[number], self.cluster.stats(number)
                if now:
                    self.stats[number] = now
                if number in self.cluster.cut_off or now and stored_hits(now) > stored_hits(before):
                    self.last_hit[number] = time.monotonic()
            self.longest = max(self.longest, self.without_hits())
            if time.monotonic() - asked > 1:
                asked, self.members = time.monotonic(), self.cluster.members()

    def without_hits(self):
        """The seconds since each node that is not cut off has had a hit from the database."""
        return time.monotonic() - min(self.last_hit.values())


def stored_hits(stats):
    return stats["pages"]["hits"] - stats["pages"]["near_hits"]


def figures(stats):
    """What is shown of a node's counters."""
    pages = stats["pages"]
    return {
        "from the database": stored_hits(stats),
        "renders": pages["renders"],
        "owed": pages["owed"]["now"],
        "not stored": pages["moved"] + pages["publish_conflicts"] + pages["owed"]["dropped"],
        "store errors": sum(pages["store_errors"].values()) - pages["store_errors"]["skipped"],
    }


def load_figures(counts):
    return {"reads": sum(each.reads for each in counts), "hits": sum(each.hits for each in counts),
            "errors": sum(each.errors for each in counts), "wrong": sum(each.wrong for each in counts)}


def table(load, watch):
    """Lines of figures, a node each, and their sum."""
    rows = {f"node {number}{', cut off' if number in watch.cluster.cut_off else ''}":
            load_figures(load.counts[number]) | figures(watch.stats[number]) for number in NUMBERS}
    names = list(next(iter(rows.values())))
    rows["all"] = {name: sum(row[name] for row in rows.values()) for name in names}
    width = max(map(len, rows))
    yield " " * width + "".join(f"  {name:>{max(9, len(name))}}" for name in names)
    for row, cells in rows.items():
        yield f"{row:<{width}}" + "".join(f"  {cells[name]:>{max(9, len(name))},}" for name in names)


def replication(watch):
    for number in NUMBERS:
        member = watch.members.get(number)
        if member is None:
            yield f"PostgreSQL {number}  away"
            continue
        lag = f", {member['lag']:,} bytes behind" if isinstance(member.get("lag"), int) else ""
        late = ", applies all 10 s late" if number in watch.cluster.lagging else ""
        yield f"PostgreSQL {number}  {member['role']:<8} {member['state']}, timeline {member.get('timeline', '?')}{lag}{late}"


class Run:
    def __init__(self, cluster, load, watch):
        self.cluster, self.load, self.watch = cluster, load, watch
        self.began = time.monotonic()
        self.limit = None  # for the time without hits from the database
        self.events = []
        self.over = False
        self.keys = {
            "k": ("kill the leader", lambda: self.disturb(15, cluster.kill_leader)),
            "m": ("kill its machine", lambda: self.disturb(LOCK + 15, cluster.lose_leader)),
            "f": ("freeze its machine", lambda: self.disturb(LOCK + 15, cluster.freeze_leader)),
            "c": ("cut a node off", lambda: self.note(cluster.cut_off_node())),
            "l": ("lag a standby", lambda: self.note(cluster.lag_standby())),
            "b": ("bring all back", lambda: self.note(cluster.bring_back())),
            "q": ("quit", self.quit),
        }

    def press(self, key):
        if key in self.keys:
            self.keys[key][1]()

    def disturb(self, limit, action):
        self.watch.begin()
        self.limit = max(limit, self.limit or 0)
        self.note(action())

    def note(self, event):
        self.events.append(f"{self.seconds():5.1f} s  {event}")

    def quit(self):
        self.over = True

    def seconds(self):
        return time.monotonic() - self.began

    def draw(self):
        lines = [f"Three wiki nodes on three PostgreSQL, {self.seconds():.0f} s", "", *table(self.load, self.watch), "",
                 *replication(self.watch), "",
                 f"Since all nodes hit what is in the database: {self.watch.without_hits():.1f} s", "",
                 *self.events[-5:], *self.load.notes, "", "   ".join(f"{key}: {text}" for key, (text, _) in self.keys.items())]
        columns = shutil.get_terminal_size().columns
        sys.stdout.write("\033[H" + "".join(f"{line[:columns]}\033[K\r\n" for line in lines) + "\033[J")
        sys.stdout.flush()

    def verdict(self):
        """What went wrong: nothing, it is hoped."""
        sums = load_figures([each for counts in self.load.counts.values() for each in counts])
        if sums["wrong"]:
            yield f"{sums['wrong']} answers were wrong"
        if sums["errors"]:
            yield f"{sums['errors']} reads ended in an error"
        if not sums["hits"] or not all(stored_hits(stats) for stats in self.watch.stats.values()):
            yield "a node had no hit from the database"
        if self.limit and self.watch.longest > self.limit:
            yield f"no hits from the database for {self.watch.longest:.1f} s, and {self.limit} s are allowed"

    def report(self):
        print("\n".join([
            *self.events, *self.load.notes, "", *table(self.load, self.watch), "", *replication(self.watch), "",
            f"edits: {self.load.edits:,} in {self.seconds():.0f} s",
            f"slowest read: {max(each.slowest for counts in self.load.counts.values() for each in counts):.2f} s"]))
        if self.limit:
            print(f"longest time in which a node had no hit from the database, after the leader was lost: {self.watch.longest:.1f} s")


def run_by_keys(run):
    before = termios.tcgetattr(sys.stdin)
    sys.stdout.write("\033[?1049h\033[?25l")  # another screen, no cursor
    try:
        tty.setcbreak(sys.stdin)
        while not run.over:
            run.draw()
            drawn = time.monotonic()
            while not run.over and time.monotonic() < drawn + 1:
                if select.select([sys.stdin], [], [], 0.1)[0]:
                    run.press(os.read(sys.stdin.fileno(), 1).decode(errors="replace") or "q")
                run.cluster.reap()
    finally:
        sys.stdout.write("\033[?25h\033[?1049l")
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def run_by_time(run, seconds, keys):
    times = [(seconds * (i + 1) / (len(keys) + 1), key) for i, key in enumerate(keys)]
    while run.seconds() < seconds:
        while times and run.seconds() >= times[0][0]:
            run.press(times.pop(0)[1])
            say(run.events[-1])
        run.cluster.reap()
        time.sleep(0.1)


def end_on(number, _):
    for each in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)  # what was started is being ended
    sys.exit(128 + number)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--press", default="kb")
    parser.add_argument("programs")
    parser.add_argument("wiki")
    parser.add_argument("pages")
    options = parser.parse_args()
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end_on)

    parts = []  # to be stopped, last first
    try:
        cluster = Cluster(options.programs, options.wiki)
        parts.append(cluster)
        pages = os.path.join(cluster.folder, "pages")
        shutil.copytree(options.pages, pages, ignore=shutil.ignore_patterns(".*"))
        cluster.start(pages, say)
        load = Load(pages, cluster.urls)
        parts.append(load)
        if not load.start():
            raise Failed(f"{options.pages} has no page whose text can be edited")
        watch = Watch(cluster)
        parts.append(watch)
        run = Run(cluster, load, watch)
        if options.seconds:
            say(f"{len(load.pages)} pages are edited and read for {options.seconds} s, on {', '.join(cluster.urls.values())}")
            run_by_time(run, options.seconds, options.press)
        else:
            run_by_keys(run)
        load.stop()
        run.report()
        problems = list(run.verdict())
        for problem in problems:
            print(f"cluster: {problem}", file=sys.stderr)
        return 1 if problems else 0
    except Failed as error:
        print(f"cluster: {error}", file=sys.stderr)
        return 1
    finally:
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        say("Ending all of it")
        for part in reversed(parts):
            part.stop()


if __name__ == "__main__":
    sys.exit(main())
