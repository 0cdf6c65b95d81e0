"""What the benches written in Python share: the program, recordings judged, tables and pages."""
import argparse
import csv
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor


def arguments(usage, n):
    """What all of them take: the program, where the rows go, a page for them; how many, and how many at a time."""
    args = argparse.ArgumentParser(usage=usage)
    args.add_argument("etude")
    args.add_argument("csv")
    args.add_argument("page", nargs="?")
    args.add_argument("-n", type=int, default=n)
    args.add_argument("-j", type=int, default=2)
    return args


class Centre:
    """`etude`, and a folder for what it makes."""

    def __init__(self, etude, folder):
        self.etude, self.folder = os.path.realpath(etude), folder

    def run(self, *words, may_fail_with=()):
        """What is done, by subprocess; ends the bench where it fails otherwise."""
        done = subprocess.run([self.etude, *words], capture_output=True, text=True, check=False)
        if done.returncode not in (0, *may_fail_with):
            sys.exit("%s: exit %d: %s" % (" ".join(words), done.returncode, done.stderr.strip()))
        return done

    def world(self):
        """What `world list` knows: skills, robots, faults."""
        return json.loads(self.run("world", "list", "--json").stdout)

    def episode(self, skill, *options, seed, may_fail_with=()):
        """The truth and the findings of an episode that is recorded, curated and removed again;
        None, where recording fails as it may."""
        place = tempfile.mkdtemp(dir=self.folder)
        try:
            if self.run("world", "run", skill, "--seed", str(seed), *options, "-q", "-o", place + "/r",
                        may_fail_with=may_fail_with).returncode:
                return None
            self.run("curate", place + "/r", "-o", place + "/e", "-q", may_fail_with=[1])
            findings = [f for path in glob.glob(place + "/e/*/*/episode.json") for f in read_json(path)["findings"]]
            truth = glob.glob(place + "/r/*.truth.json")
            if not truth:
                sys.exit("%s, seed %s: its physics came to no number" % (skill, seed))
            return read_json(truth[0]), findings
        finally:
            shutil.rmtree(place)


def read_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def run_with(etude, n_at_a_time, measure):
    """measure(centre, pool), with a folder that is gone after."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as folder, \
            ThreadPoolExecutor(n_at_a_time) as pool:
        return measure(Centre(etude, folder), pool)


def read_csv(path):
    """Its rows, all of them text; none, where there is no such file."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_csv(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        out.writeheader()
        out.writerows(rows)


def write_page(path, name, text):
    """Puts the text between the two marks that a page has for it."""
    with open(path, encoding="utf-8") as file:
        page = file.read()
    begin, end = "<!-- bench/%s.py -->\n" % name, "<!-- end -->\n"
    head, rest = page.split(begin)
    with open(path, "w", encoding="utf-8") as file:
        file.write(head + begin + "\n" + text + "\n" + end + rest.split(end, 1)[1])
