"""Builds the tests with mutated headers, runs them, and says what survives: see scripts/mutate."""
import argparse
import collections
import concurrent.futures
import contextlib
import hashlib
import json
import os
import pathlib
import random
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import mutants

root = pathlib.Path(__file__).resolve().parent.parent.parent
not_tried = r"laws/|wiki|postgres|observer/prometheus|requirements|version"
at_once = 2
slow = 30  # seconds: what the tests of one mutant may take together, unless one alone takes more
rooms = {  # folders of headers, and the test files that are about them, for --room; of what all use, such as entry/, all tests are
    "hasher": "document_root|file_hasher|hashers|stat_memo",
    "read": "background|breaker|cache[^/]*|change_order|claim|failure_memory|flights|leases|misses|observer|owed|periodic_task|two_nodes",
    "renderer/markdown": "markdown[^/]*|renderers|sanitiser|unicode",
    "store/memory": "cost_scale|memory_store[^/]*|node_table|per_cpu_lock|replicated_ptr|s3_fifo[^/]*|store_laws_memory",
    "store/sqlite": "bounds|sqlite_[^/]*|store_laws_sqlite",
}


def settle(room):
    """Where all is built."""
    global build, copy, binary
    build = root / "build" / "mutate" / (room or "all")
    copy = build / "source"  # the project, but for include/ by links
    binary = build / "build" / "tests" / "render_cache_tests"


def say(text):
    print(f"==> {text}", file=sys.stderr, flush=True)


def load(name):
    file = build / f"{name}.json"
    return json.loads(file.read_text()) if file.exists() else {}


def save(name, what):
    unfinished = build / f"{name}.json.new"
    unfinished.write_text(json.dumps(what, indent=1))
    unfinished.replace(build / f"{name}.json")


def in_parallel(function, items, what):
    """(item, what the function returns), as they are ready."""
    start, said = time.time(), 0
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        running = {pool.submit(function, item): item for item in items}
        try:
            for done, future in enumerate(concurrent.futures.as_completed(running), 1):
                yield running[future], future.result()
                if time.time() - said > 30 or done == len(items):
                    said = time.time()
                    say(f"{what}: {done} of {len(items)}, {said - start:.0f} s")
        finally:
            pool.shutdown(cancel_futures=True)


# --- The build ----------------------------------------------------------------------------------------------------------------

def write_if_changed(file, text):
    if not file.exists() or file.read_bytes() != text:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text)


def prepare():
    copy.mkdir(parents=True, exist_ok=True)
    for path in root.iterdir():
        link = copy / path.name
        if path.name not in ("include", "build", ".git") and not link.is_symlink():
            link.symlink_to(path)
    for path in (root / "include").rglob("*.hpp"):
        if not (copy / path.relative_to(root)).exists():
            write_if_changed(copy / path.relative_to(root), path.read_bytes())


def configure(compiler, room):
    flags = f"-w -Wno-narrowing -O0 -D_GLIBCXX_ASSERTIONS -DRENDER_CACHE_MUTANTS=1000000 -include {root}/tests/mutate/switch.hpp"
    launcher = ["-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
    with open(build / "configure.log", "w") as log:
        if subprocess.run(["cmake", "--preset", "clang-plain", "-S", copy, "-B", build / "build", f"-DCMAKE_CXX_COMPILER={compiler}",
                           f"-DCMAKE_CXX_FLAGS={flags}", "-DCMAKE_CXX_FLAGS_DEBUG=",
                           f"-DRENDER_CACHE_TEST_FILES={rooms.get(room, '')}", *launcher], cwd=copy, stdout=log, stderr=log).returncode:
            sys.exit(f"configuring failed: see {log.name}")
    if subprocess.run(["cmake", "--build", build / "build", "--target", "help"], capture_output=True).returncode:
        sys.exit(f"the build has no targets: see {build}/configure.log")
    commands = json.loads((build / "build" / "compile_commands.json").read_text())
    return [shlex.split(each["command"]) for each in commands
            if re.search(r"/tests/(unit|laws)/", each["file"]) and "/render_cache_tests.dir/" in each["command"]]


def find(command):
    headers = root / "include" / "render_cache"
    every = build / "every_header.cpp"
    wanted = sorted(str(path.relative_to(headers)) for path in headers.rglob("*.hpp"))
    every.write_text("".join(f"#include <render_cache/{name}>\n" for name in wanted if not re.search(not_tried, name)))
    given = iter(command)
    flags = ["-std=c++20", f"-I{root}/include"]
    for flag in given:
        if flag == "-isystem":
            flags += [flag, next(given)]
        elif re.match(r"-[ID]", flag) and not flag.startswith(f"-I{copy}/include"):
            flags.append(flag)
    return mutants.find(headers, every, flags)


def write_mutated(found, texts, dropped):
    """Where each mutant is in its header's copy."""
    places = {}
    for file, text in texts.items():
        kept = [mutant for mutant in found if mutant.file == file and mutant.name not in dropped]
        changed, where = mutants.switched(text, kept)
        write_if_changed(copy / "include" / "render_cache" / file, changed)
        places[file] = [(first, last, mutant) for mutant in kept for first, last in [where[mutant.id]]]
    return places


def blamed(log, places):
    """The mutants that what the compiler says is about: of the lines of each error, those of the first that has any."""
    names, texts = set(), {}
    for error in re.split(r"(?m)^(?=\S+:\d+:\d+: (?:fatal )?error: )", log)[1:]:
        for file, line, column in re.findall(r"(?m)^\S*/source/include/render_cache/(\S+?):(\d+):(\d+): ", error):
            if file not in places:
                continue
            text = texts.setdefault(file, (copy / "include" / "render_cache" / file).read_bytes().split(b"\n"))
            at = sum(len(each) + 1 for each in text[:int(line) - 1]) + int(column) - 1
            there = [mutant for first, last, mutant in places[file] if first <= at <= last and mutant.line == int(line)]
            there = there or [mutant for _, _, mutant in places[file] if mutant.line == int(line)]
            if there:
                names.update(mutant.name for mutant in there)
                break
    return names


def syntax_errors(command):
    without = [flag for flag in command if flag != "ccache" and not flag.endswith("/ccache")]
    for flag, first, last in (("-o", 0, 2), ("-c", 0, 1), ("-include-pch", -1, 3)):  # the headers, too, as they are written now
        if flag in without:
            at = without.index(flag)
            del without[at + first:at + last]
    return subprocess.run([*without, "-fsyntax-only", "-ferror-limit=0", "-ftemplate-backtrace-limit=0"], cwd=build / "build",
                          capture_output=True, text=True).stderr


def compile_tests():
    say(f"building the tests (the log is {build}/build.log)")
    with open(build / "build.log", "w") as log:
        return subprocess.run(["cmake", "--build", build / "build", "--parallel", str(at_once), "--target", "render_cache_tests"],
                              stdout=log, stderr=log).returncode == 0


def build_tests(commands, found, texts):
    """The mutants that are in the tests: those that compile. Which do not is only looked for if some do not."""
    dropped = set(load("dropped"))
    places = write_mutated(found, texts, dropped)
    unsure = {command[-1]: command for command in commands}
    while not compile_tests():
        logs = dict(in_parallel(lambda source: syntax_errors(unsure[source]), unsure, "looking for mutants that do not compile"))
        more = set().union(*(blamed(log, places) for log in logs.values())) - dropped
        if not more:
            sys.exit(f"the mutated headers do not compile, and no mutant is to blame: see {build}/build.log")
        say(f"{len(more)} more do not compile")
        dropped |= more
        save("dropped", sorted(dropped))
        places = write_mutated(found, texts, dropped)
        unsure = {source: unsure[source] for source, log in logs.items() if "error: " in log}
    return [mutant for mutant in found if mutant.name not in dropped]


# --- Runs ---------------------------------------------------------------------------------------------------------------------

def limits():
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (600, 600))  # a mutant that never ends ends also when nobody waits for it any more


def run(tests, patience, **environment):
    """How the test cases ended: passed, failed, crashed or hangs."""
    names = [re.sub(r'([\\,\[\]"*])', r"\\\1", name) for name in tests]
    with tempfile.TemporaryDirectory(prefix="mutate.", ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen([binary, "--abort", ",".join(names)], cwd=copy, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, start_new_session=True, preexec_fn=limits,
                                   env={**os.environ, "TMPDIR": folder, **environment})
        try:
            status = process.wait(patience)
            return "passed" if status == 0 else "failed" if status > 0 else "crashed"
        except subprocess.TimeoutExpired:
            return "hangs"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # its own session; with it what a test has forked
            process.wait()


def list_tests():
    for options in (["--list-test-names-only"], ["--list-tests", "--verbosity", "quiet"]):  # Catch2 2 and 3
        listed = subprocess.run([binary, *options, "~[.]"], capture_output=True, text=True).stdout
        if listed:
            return [line.strip() for line in listed.splitlines() if line.strip()]
    sys.exit("the test program lists no tests")


def record():
    """For each test case how long it takes and what it reaches."""
    known = load("tests")
    state = hashlib.sha256(binary.read_bytes()).hexdigest()
    if known.get("binary") == state:
        return known["tests"]

    def reached_by(test):
        with tempfile.NamedTemporaryFile() as file:
            file.truncate(1000000)
            start = time.time()
            ended = run([test], 120, RENDER_CACHE_MUTANTS_REACHED=file.name)
            taken = time.time() - start
            return None if ended != "passed" else {"seconds": taken, "reaches": [at for at, byte in enumerate(file.read()) if byte]}

    tests = {}
    for test, what in in_parallel(reached_by, list_tests(), "running each test case alone"):
        if what is None:
            say(f"'{test}' does not pass and is left out")
        else:
            tests[test] = what
    save("tests", {"binary": state, "tests": tests})
    return tests


def portions(tests, seconds, order):
    """The tests, in their order, in portions that take longer and longer, as many as do not take too long together."""
    portion, of_portion, total, limit = [], 0, 0, 0.2
    for test in sorted(tests, key=order.get):
        if total > 0 and total + seconds[test] > slow:
            continue
        portion.append(test)
        of_portion += seconds[test]
        total += seconds[test]
        if of_portion > limit or len(portion) == 100:
            yield portion
            portion, of_portion, limit = [], 0, limit * 4
    if portion:
        yield portion


def try_all(chosen, tests, results):
    seconds = {test: what["seconds"] for test, what in tests.items()}
    # First those that are quick, and those that reach little: they are about it.
    order = {test: what["seconds"] * len(what["reaches"]) for test, what in tests.items()}
    reached_by = collections.defaultdict(list)
    for test, what in tests.items():
        for number in what["reaches"]:
            reached_by[number].append(test)

    def verdict_on(mutant):
        if mutant.id not in reached_by:
            return "not reached"
        for portion in portions(reached_by[mutant.id], seconds, order):
            ended = run(portion, 4 + 3 * sum(seconds[test] for test in portion), RENDER_CACHE_MUTANT=str(mutant.id))
            if ended != "passed":
                return ended
        return "survived"

    for done, (mutant, verdict) in enumerate(in_parallel(verdict_on, chosen, "mutants"), 1):
        results[mutant.name] = verdict
        if done % 20 == 0:
            save("results", results)
    save("results", results)


# --- What is said of it -------------------------------------------------------------------------------------------------------

survives = ("survived", "not reached")


def room_of(file):
    """The folder of a header; that of its name, if there is one."""
    path = pathlib.PurePath(file)
    own = path.with_suffix("")
    return str(own if (root / "include" / "render_cache" / own).is_dir() else "read" if file == "cache.hpp" else path.parent)


def equivalents(found):
    names, known = {}, {mutant.name for mutant in found}
    file = root / "tests" / "mutate" / "equivalent.txt"
    for number, line in enumerate(file.read_text().splitlines() if file.exists() else [], 1):
        if line and not line.startswith("#"):
            name, _, reason = line.rpartition(" || ")
            if name not in known:
                say(f"{file}:{number}: there is no such mutant any more")
            names[name] = reason
    return names


def report(chosen, results, equivalent):
    """The lowest score."""
    rooms = collections.defaultdict(collections.Counter)
    for mutant in chosen:
        verdict = results.get(mutant.name)
        if verdict is not None:
            rooms[room_of(mutant.file)]["equivalent" if mutant.name in equivalent and verdict in survives else verdict] += 1
            if verdict in survives and mutant.name not in equivalent:
                print(f"include/render_cache/{mutant.file}:{mutant.line}:{'' if verdict == 'survived' else ' (not reached)'}\n  {mutant.name}")
    lowest = 100.0
    print(f"{'':20} {'mutants':>8} {'killed':>8} {'hang':>8} {'survive':>8} {'unreached':>9} {'equivalent':>10} {'score':>8}")
    for room, counts in [*sorted(rooms.items()), ("all", sum(rooms.values(), collections.Counter()))]:
        total = sum(counts.values())
        killed = counts["failed"] + counts["crashed"] + counts["hangs"]
        score = 100 * killed / max(1, total - counts["equivalent"])
        lowest = min(lowest, score)
        print(f"{room:20} {total:8} {killed:8} {counts['hangs']:8} {counts['survived']:8} {counts['not reached']:9} "
              f"{counts['equivalent']:10} {score:7.1f}%")
    return lowest


def main():
    parser = argparse.ArgumentParser(usage="see scripts/mutate --help")
    parser.add_argument("--compiler", required=True)  # scripts/mutate gives it
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--sample", type=int)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31))
    parser.add_argument("--at-least", type=float, default=0)
    parser.add_argument("--room", choices=["any", *rooms])
    parser.add_argument("paths", nargs="*")
    asked = parser.parse_args()
    room = random.Random(asked.seed).choice(sorted(rooms)) if asked.room == "any" else asked.room
    if room:
        say(f"{room}: --seed {asked.seed}")
    settle(room)
    prepare()
    commands = configure(asked.compiler, room)
    everywhere, texts = find(commands[0])
    found = build_tests(commands, [mutant for mutant in everywhere if room in (None, room_of(mutant.file))], texts)
    tests = record()
    paths = [re.sub(r"^(\./)?(include/)?(render_cache/)?", "", path) for path in asked.paths] or [""]
    chosen = list({mutant.name: mutant for path in paths for mutant in found if mutant.file.startswith(path)}.values())
    if not chosen:
        sys.exit("there is no mutant below " + " ".join(paths))
    if asked.sample:
        say(f"a sample of {asked.sample} of {len(chosen)}: --seed {asked.seed}")
        chosen = random.Random(asked.seed).sample(sorted(chosen, key=lambda mutant: mutant.name), min(asked.sample, len(chosen)))
    results = load("results")
    equivalent = equivalents(everywhere)
    missing = [mutant for mutant in chosen if mutant.name not in results or
               asked.again and results[mutant.name] in survives and mutant.name not in equivalent]
    try_all(missing, tests, results)
    lowest = report(chosen, results, equivalent)
    sys.exit(f"fewer than {asked.at_least} % are killed" if lowest < asked.at_least else 0)


main()
