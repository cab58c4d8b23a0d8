"""What a runtime does after a call that was killed or failed, and what must be true then."""

import signal
from collections import Counter

from attachment import Attachment
from points import NEVER_HEARD, WORDS, acts
from program import REFERENCE
from world import World, changes

FAILURES_MAX = 8  # of one case: then it is given up


class Lost(Exception):
    """Something was lost, or leaked."""


def demand(good, *about):
    if not good:
        raise Lost(" ".join(map(str, about)))


def same(before, after, about):
    difference = changes(before, after)
    demand(not difference, about, "\n    ".join(["", *difference[:12]]))


def succeeded(done, about):
    demand(done.returncode in (0, 124), about, done)


def ended_by_signal(act, done):
    """It was killed; or it could not leave the pod's namespace, and has to die by its own hand."""
    own = act.what == "failed" and act.point.what == "setns"
    return done.returncode == 128 + (signal.SIGILL if own else signal.SIGKILL)


def says(text, act):
    """A step or an object, and the reason that it was given."""
    doing, _, reason = text.strip().rpartition(WORDS.get(act.error, ": "))
    return len(doing.split()) > 2 and ": " in doing + reason


def explains(done, act):
    """The error is one for people: a code, and a sentence."""
    if not done.stdout and act.point.what in ("write", "writev"):
        return  # it was the very error that could not be told
    try:
        said = done.json
        good = said["code"] > 0 and says(said["msg"], act)
    except (ValueError, KeyError, TypeError):
        good = False
    demand(good, "an error that says nothing:", done)


class Trials:
    """Every verb of one case."""

    def __init__(self, case, cnibox, every=1, offset=0):
        self.case, self.cnibox, self.every, self.offset = case, cnibox, every, offset
        self.tally, self.failures = Counter(), []
        self.world = self.directory = None

    def acts(self, points):
        return acts(points, self.every, self.offset)

    def begin(self):
        """A node on which everything else is set up, and nobody is attached."""
        self.close()
        self.world = World(self.cnibox, self.case.applets, self.case.setup)
        names = ("pod", "other")
        self.pod, self.other = (
            Attachment(self.world, self.case.conf(name), f"id-of-{name}", self.world.pod(name).netns, self.case.ifname,
                       directory=self.directory)
            for name in names)
        if not self.case.first:
            for attachment in (self.pod, self.other):
                succeeded(attachment.add(), "set-up")
            for attachment in (self.pod, self.other):
                succeeded(attachment.delete(attachment.result), "set-up")
        self.bare = self.state()

    def close(self):
        if self.world:
            self.world.close()
        self.world = None

    def state(self):
        return self.world.state()

    def take_rest(self):
        """The node's, where each pod is the first; and limits, which bandwidth's DEL leaves to that of the pod's link."""
        if self.case.first:
            self.world.node.sh(f"{self.case.first} 2>/dev/null || :")
        if self.case.with_link:
            self.world.node.sh("for link in $(tc qdisc | grep -o 'dev veth[^ ]*' | cut -c5- | sort -u); do "
                               "tc qdisc del dev $link root; tc qdisc del dev $link ingress; done 2>/dev/null || :")

    def run(self, verb):
        """Count its points, then do all of it. "DEL0": without the ADD's result, as runtimes do that have lost it."""
        self.remembers = verb != "DEL0"
        trial = getattr(self, f"try_{verb.lower().rstrip('0')}")
        prepare = getattr(self, f"before_{verb.lower().rstrip('0')}")
        self.begin()
        prepare()
        done, points = self.points(verb)
        succeeded(done, f"{self.case.name}: {verb}")
        self.begin()
        prepare()
        for act in self.acts(points):
            self.tally[verb, act.what] += 1
            try:
                trial(act)
            except (Lost, AssertionError) as lost:
                self.failures.append(f"{self.case.name}, {verb} {act}: {lost}")
                if len(self.failures) >= FAILURES_MAX:
                    return
                self.begin()
                prepare()
        self.close()

    def points(self, verb):
        if verb == "GC":
            return self.pod.list(verb, **self.pod.alive)
        return self.pod.list(verb)

    def follow_up(self):
        """What comes next: the same pod again, another one, and the reference's plugin on the same store."""
        succeeded(self.pod.add(), "the same pod's next ADD:")
        succeeded(self.other.add(), "another pod's ADD:")
        given = self.pod.addresses + self.other.addresses + self.reference("ADD")
        given = [address for address in given if address not in ("127.0.0.1", "::1")]
        demand(len(given) == len(set(given)), "an address twice:", given)
        if not self.directory:  # the reference's portmap fails its own in dual stack, whatever was before
            succeeded(self.pod.check(), "CHECK of the same pod's next ADD:")
            succeeded(self.other.check(), "CHECK of the other pod:")
        self.reference("DEL")
        for attachment in (self.other, self.pod):
            succeeded(attachment.delete(attachment.result), "DEL after that:")

    def reference(self, verb):
        """The reference's host-local, in the store of the case; gives its addresses."""
        if not self.case.store:
            return []
        done = self.world.cni(verb, f"{REFERENCE}/host-local", self.case.store, containerid="reference", netns="/nowhere",
                              ifname="eth0")
        succeeded(done, f"the reference's {verb} in the store:")
        return [ip["address"].split("/")[0] for ip in done.json["ips"]] if done.stdout else []

    # --- ADD ---------------------------------------------------------------------------------------

    def before_add(self):
        self.pod.add(self.pod.last)
        self.under = self.state()

    def try_add(self, act):
        done = self.pod.add_next(act.options)
        if done.returncode in (0, 124):
            self.pod.results = self.pod.results or [done]
            succeeded(self.pod.check(), "an ADD that said it was done:")
            succeeded(self.pod.delete_last(), "DEL:")
            self.take_rest()
            same(self.under, self.state(), "DEL left")
        elif done.returncode == 1:
            explains(done, act)
            if act.point.what in ("write", "writev"):
                self.take_rest()  # if it was the result that could not be told, it has done a DEL
            same(self.under, self.state(), f"{done.json['msg'] if done.stdout else ''}: the ADD left")
        else:
            self.expect_killed(act, done)
            succeeded(self.pod.delete(), "DEL:")
            self.take_rest()
            same(self.bare, self.state(), "DEL left")
            self.follow_up()
            self.take_rest()
            self.before_add()

    @staticmethod
    def expect_killed(act, done):
        demand(ended_by_signal(act, done), done)

    # --- DEL ---------------------------------------------------------------------------------------

    def before_del(self):
        self.before_add()
        self.pod.add()

    def try_del(self, act):
        previous = self.pod.result
        done = self.pod.delete_last(act.options, self.remembers)
        if done.returncode not in (0, 124):
            if done.returncode == 1:
                explains(done, act)
                succeeded(self.pod.delete_last(remembers=self.remembers), "the second DEL:")
            else:
                self.expect_killed(act, done)
                succeeded(self.pod.delete(previous if self.remembers else None), "the second DEL:")
                same(self.bare, self.state(), "DEL left")
                self.follow_up()
                self.before_del()
                return
        elif done.returncode == 124:
            self.pod.results.pop()
        self.take_rest()
        now = self.state()
        if self.case.forgiving and act.error in NEVER_HEARD and changes(self.under, now):
            same({"host": self.under["host"]}, {"host": now["host"]}, "DEL left")
            succeeded(self.pod.delete(previous), "the next DEL:")
            self.before_del()
            return
        same(self.under, now, "DEL left")
        succeeded(self.pod.add(), "the next ADD:")

    # --- verbs that look ---------------------------------------------------------------------------

    def before_check(self):
        self.pod.add()
        self.full = self.state()

    before_status = before_check

    def try_check(self, act, verb="CHECK"):
        done = self.pod.call(verb, self.pod.last, act.options, self.pod.result if verb == "CHECK" else None)
        if done.returncode == 1:
            explains(done, act)
        elif done.returncode not in (0, 124):
            self.expect_killed(act, done)
        same(self.full, self.state(), f"{verb} changed")

    def try_status(self, act):
        self.try_check(act, "STATUS")

    # --- GC ----------------------------------------------------------------------------------------

    def before_gc(self):
        self.pod.add()
        self.full = self.state()
        self.other.add()

    def try_gc(self, act):
        done = self.pod.call("GC", self.pod.last, act.options, **self.pod.alive)
        if done.returncode in (0, 124):
            again = self.pod.collect(self.pod.last)
        else:
            if done.returncode == 1:
                explains(done, act)
            else:
                self.expect_killed(act, done)
            again = self.pod.collect()
        succeeded(again or done, "GC:")
        same(self.full, self.state(), "GC left")
        succeeded(self.pod.check(), "CHECK of the one that is alive:")
        self.other.results = []
        succeeded(self.other.add(), "the next ADD:")
