"""One interface of one pod, through a list of plugins, as libcni would have it."""

from lab.runtime import requests

from world import LISTING


class Attachment:
    def __init__(self, world, conf, containerid, netns, ifname="eth0", args=None, directory=None):
        self.world = world
        self.requests = requests(conf)
        self.directory = directory
        self.parameters = {"containerid": containerid, "netns": netns, "ifname": ifname, "args": args}
        self.results = []

    @property
    def last(self):
        return len(self.requests) - 1

    @property
    def result(self):
        return self.results[-1].json if self.results and self.results[-1].stdout else None

    @property
    def addresses(self):
        return [ip["address"].split("/")[0] for ip in (self.result or {}).get("ips", ())]

    def call(self, verb, index, options=(), previous=None, **more):
        """One plugin, once."""
        request = {**self.requests[index], **more}
        if previous is not None:
            request["prevResult"] = previous
        plugin = f"{self.directory}/{request['type']}" if self.directory else request["type"]
        return self.world.cni(verb, plugin, request, options, **self.parameters)

    def add_next(self, options=()):
        """ADD by the next plugin that has not had its turn."""
        done = self.call("ADD", len(self.results), options, self.result)
        if done.returncode == 0:
            self.results.append(done)
        return done

    def add(self, upto=None):
        while len(self.results) < (len(self.requests) if upto is None else upto):
            done = self.add_next()
            if done.returncode:
                return done
        return self.results[-1] if self.results else None

    def delete_last(self, options=(), remembers=True):
        """DEL by the last plugin that was added; the others stay."""
        done = self.call("DEL", self.last, options, self.result if remembers else None)
        if done.returncode == 0:
            self.results.pop()
        return done

    def delete(self, previous=None):
        """DEL by all, backward; as after an ADD that failed, when there is no result to give."""
        for index in reversed(range(len(self.requests))):
            done = self.call("DEL", index, previous=previous)
            if done.returncode:
                return done
        self.results = []
        return done

    def check(self):
        for index in range(len(self.requests)):
            done = self.call("CHECK", index, previous=self.result)
            if done.returncode:
                return done
        return done

    def collect(self, upto=None):
        """GC by the first plugins of the list; this attachment alone is alive."""
        done = None
        for index in range(len(self.requests) if upto is None else upto):
            done = self.call("GC", index, **self.alive)
            if done.returncode:
                return done
        return done

    @property
    def alive(self):
        one = {"containerID": self.parameters["containerid"], "ifname": self.parameters["ifname"]}
        return {"cni.dev/valid-attachments": [one]}

    def list(self, verb, **more):
        """The points of a run in which nothing goes wrong."""
        if verb == "ADD":
            done = self.add_next(LISTING)
        elif verb.startswith("DEL"):
            done = self.delete_last(LISTING, verb == "DEL")
        else:
            done = self.call(verb, self.last, LISTING, self.result if verb == "CHECK" else None, **more)
        return done, self.world.points()
