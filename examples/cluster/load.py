"""Edits pages and reads them from all nodes, and compares what was read with what was written."""

import collections
import http.client
import os
import random
import re
import threading
import time
import urllib.parse

READERS = 2  # of each node
EDITS = 20  # a second
PAUSE = 0.004  # of a reader, between two reads


class Page:
    def __init__(self, folder, name):
        self.path = os.path.join(folder, name)
        self.address = "/docs/" + urllib.parse.quote(name)
        with open(self.path, encoding="utf-8", errors="replace") as file:
            self.text = file.read()
        self.begun = self.done = 0  # the numbers of edits

    def edit(self):
        self.begun += 1
        draft = os.path.join(os.path.dirname(self.path), ".edit")  # which the wiki does not show
        with open(draft, "w", encoding="utf-8") as file:
            file.write(f"{self.text}\n\nedit-{self.begun}-\n")
        os.replace(draft, self.path)
        self.done = self.begun


class Counts:
    """Of one reader; only it changes them."""

    def __init__(self):
        self.reads = self.hits = self.wrong = self.errors = 0
        self.slowest = 0.0


class Load:
    def __init__(self, folder, urls):
        names = sorted(os.path.relpath(os.path.join(place, name), folder) for place, _, files in os.walk(folder) for name in files
                       if name.endswith(".md"))
        self.pages = [Page(folder, name) for name in names]
        self.urls = urls
        self.recent = collections.deque(maxlen=20)  # what was just edited is read most
        self.counts = {number: [Counts() for _ in range(READERS)] for number in urls}
        self.edits = 0
        self.notes = collections.deque(maxlen=10)  # what went wrong
        self.ending = threading.Event()
        self.threads = []

    def start(self):
        """Each page has a number and is read once from each node; then all goes on by itself. Returns how many pages take part."""
        for page in self.pages:
            page.edit()
        self.pages = [page for page in self.pages if all(self.shows_number(url, page) for url in self.urls.values())]
        if self.pages:
            self.threads = [threading.Thread(target=self.edit_pages, daemon=True)]
            self.threads += [threading.Thread(target=self.read_pages, args=(number, counts), daemon=True)
                             for number, each in self.counts.items() for counts in each]
            for thread in self.threads:
                thread.start()
        return len(self.pages)

    def stop(self):
        self.ending.set()
        for thread in self.threads:
            thread.join()

    def shows_number(self, url, page):
        """A page whose text ends in a comment does not, for one."""
        connection = connect(url)
        connection.request("GET", page.address)
        return number_in(connection.getresponse().read()) == page.done

    def edit_pages(self):
        while not self.ending.wait(1 / EDITS):
            page = random.choice(self.pages)
            page.edit()
            self.recent.append(page)
            self.edits += 1

    def read_pages(self, number, counts):
        connection = connect(self.urls[number])
        while not self.ending.wait(PAUSE):
            recent = list(self.recent)
            page = random.choice(recent if recent and random.random() < 0.5 else self.pages)
            known, began = page.done, time.monotonic()
            try:
                connection.request("GET", page.address)
                answer = connection.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException) as error:
                counts.errors += 1
                self.notes.append(f"error: node {number}, {page.address}: {error!r}")
                connection = connect(self.urls[number])
                continue
            counts.reads += 1
            counts.slowest = max(counts.slowest, time.monotonic() - began)
            counts.hits += answer.getheader("Cache-Status", "").startswith("render_cache; hit")
            seen = number_in(body)
            if answer.status != 200:
                counts.errors += 1
                self.notes.append(f"error: node {number}, {page.address}: {answer.status} {body[:200]!r}")
            elif seen is None or not known <= seen <= page.begun:
                counts.wrong += 1
                self.notes.append(f"wrong: node {number}, {page.address}: edit {seen}, but {known} was there when it was asked for")


def connect(url):
    return http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=30)


def number_in(body):
    found = re.search(rb"edit-(\d+)-", body)
    return int(found[1]) if found else None
