"""The servers of the cluster: started, disturbed, brought back, and ended by process id.

    wiki node 1 - PgBouncer 1 \\                      / PostgreSQL 1, Patroni 1 \\
    wiki node 2 - PgBouncer 2 -- HAProxy (the leader) - PostgreSQL 2, Patroni 2 -- etcd
    wiki node 3 - PgBouncer 3 /                      \\ PostgreSQL 3, Patroni 3 /
"""

import csv
import ctypes
import json
import os
import pwd
import random
import secrets
import shutil
import signal
import socket
import string
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

NUMBERS = (1, 2, 3)
TEMPLATES = os.path.dirname(os.path.abspath(__file__))
PR_SET_CHILD_SUBREAPER = 36


class Failed(Exception):
    """What cannot be started, with the end of its log."""


def get(url, timeout=1.0):
    """The JSON that an address answers, or None."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            return json.load(answer)
    except (OSError, ValueError):
        return None


def children(pid):
    """The processes that a process has started, and that have not been waited for."""
    pids = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as file:
                pids += map(int, file.read().split())
    except OSError:
        pass  # it has ended
    return pids


def family(pid):
    """A process, and all that descend from it."""
    return [pid] + [each for child in children(pid) for each in family(child)]


def send(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


class Cluster:
    def __init__(self, programs, wiki):
        """`programs` is the folder of PostgreSQL's programs, `wiki` the wiki server."""
        self.wiki = wiki
        self.processes = {}  # by name
        self.urls = {}  # of the wiki nodes, by number
        self.frozen = set()  # process ids
        self.lagging = set()  # numbers of standbys
        self.cut_off = set()  # numbers of wiki nodes
        # Whatever a server leaves behind, a PostgreSQL whose Patroni is gone for one, becomes a child of this process.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        # Short: the path of a socket has at most 107 characters.
        self.folder = tempfile.mkdtemp(prefix="render_cache.", dir="/tmp")
        # PostgreSQL, Patroni and PgBouncer refuse root.
        self.account = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        self.values = {"folder": self.folder, "programs": programs, "password": secrets.token_hex(16)}
        names = ["etcd", "etcd_peer"] + [f"{what}{number}" for number in NUMBERS for what in ("port", "rest")]
        self.values.update(zip(names, free_ports(len(names))))
        for name in ["leader", "etcd"] + [f"{what}{number}" for number in NUMBERS for what in ("postgres", "node")]:
            os.mkdir(os.path.join(self.folder, name), 0o700)
        self.own(self.folder, *(entry.path for entry in os.scandir(self.folder)))

    # Starting

    def start(self, pages, say):
        """All of it. `pages` is the folder that the wiki nodes serve as docs."""
        say("Starting etcd, and three PostgreSQL under Patroni (some 15 s)")
        self.start_etcd()
        self.configure("wiki.sql")
        for number in NUMBERS:
            self.start_patroni(number)
        self.wait("Patroni", self.is_replicated, 120, [f"patroni{number}" for number in NUMBERS])
        say("Starting HAProxy, and three wiki nodes with a PgBouncer each")
        self.run("haproxy", ["haproxy", "-db", "-f", self.configure("haproxy.cfg")])
        # A PostgreSQL whose Patroni it has not asked yet may lead, for HAProxy; a node does not start on a standby.
        self.wait("HAProxy", self.is_directed, 60, ["haproxy"])
        for number in NUMBERS:
            self.run(f"pgbouncer{number}", ["pgbouncer", self.configure("pgbouncer.ini", number)])
        for number in NUMBERS:
            self.run(f"node{number}", [
                self.wiki, "serve", "--root", f"docs={pages}", "--listen", "127.0.0.1:0", "--store",
                f"postgres:host={self.folder}/node{number} port=6432 user=wiki dbname=wiki"], own_account=True)
        for number in NUMBERS:
            self.wait(f"wiki node {number}", lambda: self.find_url(number), 60, [f"node{number}"])

    def start_etcd(self):
        client, peer = (f"http://127.0.0.1:{self.values[name]}" for name in ("etcd", "etcd_peer"))
        self.run("etcd", [
            "etcd", "--name=etcd", f"--data-dir={self.folder}/etcd", f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}", f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=etcd={peer}"])
        self.wait("etcd", lambda: get(f"{client}/health"), 60, ["etcd"])
        # Who may write there commands PostgreSQL: other users of this machine may not.
        for path, request in (("user/add", {"name": "root", "password": self.values["password"]}), ("role/add", {"name": "root"}),
                              ("user/grant", {"user": "root", "role": "root"}), ("enable", {})):
            urllib.request.urlopen(f"{client}/v3/auth/{path}", json.dumps(request).encode(), timeout=10).close()

    def start_patroni(self, number):
        self.run(f"patroni{number}", ["patroni", self.configure_patroni(number)])

    def configure_patroni(self, number):
        return self.configure("patroni.yml", number, port=self.values[f"port{number}"], rest=self.values[f"rest{number}"],
                              lag="10s" if number in self.lagging else "0")

    def configure(self, name, number="", **values):
        """Writes a configuration of this folder with its $names filled in; returns its path."""
        path = os.path.join(self.folder, f"{number}{name}")
        with open(os.path.join(TEMPLATES, name)) as template, open(path, "w", opener=private) as file:
            file.write(string.Template(template.read()).substitute(self.values, number=number, **values))
        self.own(path)
        return path

    def run(self, name, command, own_account=False):
        """Starts a program, which ends when this process does, and not by a Ctrl-C that is for this one."""
        user = []
        if self.account and not own_account:
            user = [f"--reuid={self.account.pw_uid}", f"--regid={self.account.pw_gid}", "--clear-groups"]
        with open(self.log(name), "ab") as log:
            self.processes[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig=TERM", *user, *command], cwd=self.folder, start_new_session=True, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin", "LC_ALL": "C"})

    def log(self, name):
        return os.path.join(self.folder, f"{name}.log")

    def wait(self, what, is_ready, seconds, names):
        end = time.monotonic() + seconds
        while not is_ready():
            ended = [name for name in names if self.processes[name].poll() is not None]
            if ended or time.monotonic() > end:
                with open(self.log((ended or names)[0]), errors="replace") as log:
                    raise Failed(f"{what} does not start; the end of its log:\n" + "".join(log.readlines()[-20:]))
            self.reap()
            time.sleep(0.1)

    def find_url(self, number):
        with open(self.log(f"node{number}")) as log:
            for line in log:
                if line.startswith("Serving http://"):
                    self.urls[number] = line.split()[1].rstrip("/")
                    return True
        return False

    def own(self, *paths):
        if self.account:
            for path in paths:
                os.chown(path, self.account.pw_uid, self.account.pw_gid)

    # Asking

    def members(self):
        """What Patroni says of each PostgreSQL, by number: a dictionary with role, state and lag. Empty where none answers."""
        for number in NUMBERS:
            answer = get(f"http://127.0.0.1:{self.values[f'rest{number}']}/cluster")
            if answer and "members" in answer:
                return {int(member["name"].removeprefix("postgres")): member for member in answer["members"]}
        return {}

    def leader(self):
        return next((number for number, member in self.members().items() if member["role"] == "leader"), None)

    def is_replicated(self):
        members = self.members().values()
        return len(members) == len(NUMBERS) and all(member["state"] in ("running", "streaming") for member in members) and any(
            member["role"] == "leader" for member in members)

    def is_directed(self):
        """Whether HAProxy has one PostgreSQL left that may lead."""
        try:
            with socket.socket(socket.AF_UNIX) as haproxy:
                haproxy.settimeout(1)
                haproxy.connect(os.path.join(self.folder, "haproxy"))
                haproxy.sendall(b"show stat\n")
                rows = list(csv.DictReader(haproxy.makefile()))
        except OSError:
            return False
        return sum(row["svname"].startswith("postgres") and row["status"].startswith("UP") for row in rows) == 1

    def stats(self, number):
        """The counters of a wiki node, or None."""
        return get(f"{self.urls[number]}/-/stats")

    # Disturbing. Each says what it has done, or why it could not.

    def kill_leader(self):
        """As a crash of PostgreSQL: its Patroni gives the lock away and brings it back as a standby."""
        leader = self.leader()
        if leader is None:
            return "nobody leads"
        send(self.postgres(leader), signal.SIGKILL)
        return f"killed the leader, PostgreSQL {leader}"

    def lose_leader(self):
        """As a crash of the machine: nobody gives the lock away."""
        leader = self.leader()
        if leader is None:
            return "nobody leads"
        send(family(self.processes[f"patroni{leader}"].pid) + self.postgres(leader), signal.SIGKILL)
        return f"killed PostgreSQL {leader}, which led, and its Patroni"

    def freeze_leader(self):
        """As a machine that stands still, and does not know that it did when it goes on."""
        leader = self.leader()
        if leader is None:
            return "nobody leads"
        pids = family(self.processes[f"patroni{leader}"].pid) + self.postgres(leader)
        self.frozen.update(pids)
        send(pids, signal.SIGSTOP)
        return f"stopped PostgreSQL {leader}, which led, and its Patroni"

    def cut_off_node(self):
        """The node's way to the database takes connections and says nothing."""
        number = next(number for number in NUMBERS if number not in self.cut_off or number == NUMBERS[-1])
        self.cut_off.add(number)
        pid = self.processes[f"pgbouncer{number}"].pid
        self.frozen.add(pid)
        send([pid], signal.SIGSTOP)
        return f"cut wiki node {number} off from the database"

    def lag_standby(self):
        number = next((number for number, member in self.members().items() if member["role"] != "leader"), None)
        if number is None:
            return "there is no standby"
        self.set_lag({number})
        return f"PostgreSQL {number} applies everything 10 s late"

    def bring_back(self):
        send(self.frozen, signal.SIGCONT)
        self.frozen.clear()
        self.cut_off.clear()
        self.set_lag(set())
        for number in NUMBERS:
            if self.processes[f"patroni{number}"].poll() is not None:
                self.start_patroni(number)
        return "brought all back"

    def set_lag(self, numbers):
        changed, self.lagging = self.lagging ^ numbers, numbers
        for number in changed:
            self.configure_patroni(number)
            if self.processes[f"patroni{number}"].poll() is None:
                self.processes[f"patroni{number}"].send_signal(signal.SIGHUP)

    def postgres(self, number):
        """The processes of a PostgreSQL. A file that is left over may name somebody else's: these are in its folder."""
        data = os.path.join(self.folder, f"postgres{number}", "data")
        try:
            with open(os.path.join(data, "postmaster.pid")) as file:
                pid = int(file.readline())
            return family(pid) if os.readlink(f"/proc/{pid}/cwd") == data else []
        except (OSError, ValueError):
            return []

    def reap(self):
        """Waits for those that were left to this process: a server is not gone for its Patroni before that."""
        for pid in set(children(os.getpid())) - {process.pid for process in self.processes.values()}:
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass

    # Ending

    def stop(self):
        """Ends it however far it came."""
        send(self.frozen, signal.SIGCONT)
        for names in (("node",), ("patroni", "haproxy", "pgbouncer"), ("etcd",)):
            processes = [process for name, process in self.processes.items() if name.startswith(names)]
            for process in processes:
                process.send_signal(signal.SIGTERM)
            end = time.monotonic() + 15
            while any(process.poll() is None for process in processes) and time.monotonic() < end:
                self.reap()
                time.sleep(0.05)
        while pids := children(os.getpid()):
            send(pids, signal.SIGKILL)
            for process in self.processes.values():
                process.poll()
            self.reap()
            time.sleep(0.05)
        for number in NUMBERS:
            self.free_memory(number)
        shutil.rmtree(self.folder)

    def free_memory(self, number):
        """A PostgreSQL that was killed leaves a few bytes of shared memory, which it would find by its number."""
        try:
            with open(os.path.join(self.folder, f"postgres{number}", "data", "postmaster.pid")) as file:
                segment = file.read().splitlines()[6].split()[1]
        except (OSError, IndexError):
            return
        subprocess.run(["ipcrm", "-m", segment], stderr=subprocess.DEVNULL, check=False)


def private(path, flags):
    return os.open(path, flags, 0o600)


def free_ports(count):
    """Ports below those that the system gives to connections, since some are bound again later."""
    ports, port = [], random.randrange(20000, 30000)
    while len(ports) < count:
        port += 1
        with socket.socket() as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                attempt.bind(("127.0.0.1", port))
                ports.append(port)
            except OSError:
                pass  # taken
    return ports
