"""The decided differences between cnibox and the reference plugins: how each shows. DIFFERENCES.md says why."""

import re
from pathlib import Path

BY_CHANCE = {"bridge-mac"}  # of a race in the reference: a run may be without it
NAMED, EVERYWHERE = {}, {}  # id -> does it account for this one? The first kind only where a case names it


def named(check):
    NAMED[check.__name__.replace("_", "-")] = check
    return check


def everywhere(check):
    EVERYWHERE[check.__name__.replace("_", "-")] = check
    return check


def explain(difference, case, used):
    """Is it accounted for? Then the id is put into used."""
    for id, check in (*EVERYWHERE.items(), *((id, NAMED[id]) for id in case.differs)):
        if check(difference):
            used.add(id)
            return True
    return False


def documented():
    text = (Path(__file__).parent / "DIFFERENCES.md").read_text()
    return set(re.findall(r"^## ([a-z0-9-]+)$", text, re.M))


def ends(d, *path):
    return d.path[-len(path):] == path


@everywhere
def boot_id(d):
    return d.path[-1].endswith("/boot_id") and d.theirs is None


@everywhere
def queue_length(d):
    return d.path[-1] == "txqlen" and d.ours == 1000 and not d.theirs


@everywhere
def empty_dns(d):
    return ends(d, "said", "dns") and d.ours is None and d.theirs == {}


@everywhere
def kept_addresses(d):
    return d.path[-1] == "/proc/sys/net/ipv6/conf/eth0/keep_addr_on_down" and d.ours == "1"


@everywhere
def bridge_mac(d):
    return ends(d, "interfaces", 0, "mac") and d.ours == "the link's"


@everywhere
def newer_protocol(d):
    return ends(d, "supportedVersions") and d.ours == "1.1.0"


@everywhere
def error_version(d):
    return ends(d, "said", "cniVersion") and d.theirs is None


@everywhere
def error_codes(d):
    return ends(d, "said", "code") and d.theirs == 999


@everywhere
def error_words(d):
    return d.path[-2:] in (("said", "msg"), ("said", "details")) and (d.ours or d.path[-1] == "details")


# --- where the reference fails --------------------------------------------------------------------

@named
def leaves_nothing(d):
    return "said" not in d.path and (d.ours is None or d.path[1] == "settings")


@named
def several_gateways(_):
    return True


@named
def default_route_once(_):
    return True


@named
def del_without_conf(d):
    return d.step == "DEL" and (d.path[0] == "said" or d.ours is None)


@named
def del_after_flush(d):
    return d.step == "DEL" and d.path[0] == "said" or d.step == "ADD"


@named
def netns_is_no_namespace(d):
    return d.step == "DEL" and d.path[0] in ("said", "files")


# --- bridges, routes ------------------------------------------------------------------------------

@named
def vlan_plain_bridge(d):
    return "said" not in d.path


@named
def route_mtu(d):
    return d.path[-1] in ("mtu", "advmss") or (d.path[1] == "routes" and "metrics" in (d.ours or "metrics"))


# --- what is checked ------------------------------------------------------------------------------

def checked(d):
    return d.step == "CHECK" and d.path[0] == "said"


@named
def check_without_ipam(d):
    return checked(d) and not d.ours


@named
def check_routes(d):
    return checked(d) and not d.ours


@everywhere
def check_bridge_mac(d):
    """Whether the bridge has taken another MAC address meanwhile is chance: its lowest port's, at that moment."""
    return checked(d) and not d.ours and (d.theirs == 1 or "Mac doesn't match" in str(d.theirs))


@named
def check_more(d):
    return checked(d) and d.theirs in (0, None)


# --- what is left alone ---------------------------------------------------------------------------

@named
def del_makes_nothing(d):
    return d.path[0] == "files" and d.ours is None


@named
def del_only_own(d):
    return d.step == "DEL" and d.path[0] == "pod0"


@named
def lo_ipv6(d):
    return d.path[-1] == "/proc/sys/net/ipv6/conf/lo/disable_ipv6" and d.ours == "1" or \
        ends(d, "addresses", "lo") and d.ours is None


# --- addresses and routes -------------------------------------------------------------------------

def same_but(d, *words):
    def plain(texts):
        return sorted(" ".join(word for word in text.split() if word not in words) for text in texts)
    return plain(d.lists[0]) == plain(d.lists[1]) != []


@everywhere
def address_flags(d):
    return "addresses" in d.path and same_but(d, "nodad", "tentative")


@everywhere
def dad_of_ipv4(d):
    return "settings" in d.path and d.path[-1].endswith("/accept_dad") and (d.ours, d.theirs) == ("1", "0")


@named
def default_metric(d):
    text = d.ours or d.theirs
    return d.path[-1] == "routes" and isinstance(text, str) and re.fullmatch(r"default .* metric 10[0-9][0-9]", text)


@named
def dns_of_ipam(d):
    return "dns" in d.path


@named
def shared_gateway(_):
    return True


@named
def ptp_gateway(_):
    return True


# --- portmap, firewall, bandwidth ---------------------------------------------------------------

@named
def portmap_check(d):
    return checked(d) and not d.ours


@named
def taken_port(d):
    return d.step == "ADD" and d.path[0] == "said"


@named
def without_limits(d):
    return d.path[0] == "said"


# --- loopback, tuning -----------------------------------------------------------------------------

@named
def loopback_shape(d):
    return d.path[:3] == ("said", 0, "said") and d.step == "ADD"


@named
def sysctl_words(d):
    return checked(d) and not d.ours


@named
def promisc_somebody(d):
    return checked(d) and not d.ours


@named
def check_ifname(d):
    return checked(d) and not d.ours


@named
def backup_gone(d):
    return d.path[0] == "files" and d.ours is None


@named
def newer_keys(d):
    return d.path[-1] in ("txqlen", "txQLen") or d.path[0] == "files" and d.theirs is None


@named
def static_gateway_args(d):
    return ends(d, "ips", 0, "gateway")


@named
def mapped_prefix(d):
    return d.path[:2] == ("said", 0)
