"""What this kernel can do, found by asking it: in a throwaway namespace, once for each question."""

import functools
import subprocess

# The question, whose exit status is the answer, and the words for what is lacking when it is no.
QUESTIONS = {
    "nf_tables": ("nft 'table ip t { chain c { type nat hook postrouting priority 99; }; }'",
                  "nf_tables for IPv4 (CONFIG_NF_TABLES_IPV4)"),
    "inet tables": ("nft 'table inet t { chain c { type filter hook forward priority 0; }; }'",
                    "nf_tables for IPv4 and IPv6 in one (CONFIG_NF_TABLES_INET)"),
    "nf_tables of bridges": ("nft 'table bridge t { chain c { type filter hook prerouting priority 0; }; }'",
                             "nf_tables for bridges (CONFIG_NF_TABLES_BRIDGE)"),
    "VLAN filtering": ("ip link add br0 type bridge vlan_filtering 1",
                       "VLAN filtering of bridges (CONFIG_BRIDGE_VLAN_FILTERING)"),
    "legacy iptables": ("iptables-legacy -t nat -S && ip6tables-legacy -t nat -S",
                        "legacy iptables (CONFIG_IP_NF_NAT, CONFIG_IP6_NF_NAT)"),
}

NFT_PROGRAM = "/usr/sbin/xtables-nft-multi"
LEGACY_PROGRAM = "/usr/sbin/xtables-legacy-multi"


@functools.cache
def has(capability):
    """A capability, or "no" and one: that the kernel lacks it."""
    if capability.startswith("no "):
        return not has(capability[3:])
    question, _ = QUESTIONS[capability]
    return subprocess.run(["unshare", "--net", "sh", "-c", question], check=False, capture_output=True).returncode == 0


def lack(capability):
    """Why a test that needs it is skipped."""
    if capability.startswith("no "):
        return f"the kernel has no lack of {QUESTIONS[capability[3:]][1]}"
    return f"the kernel has no {QUESTIONS[capability][1]}"


def flush_rules():
    """A command that leaves no rule of any kind."""
    if has("nf_tables"):
        return "nft flush ruleset"
    return "; ".join(f"iptables -t {table} {what}" for table in ("filter", "nat") for what in ("-F", "-X")) + \
        "; iptables -P FORWARD ACCEPT"


def choose_iptables():
    """Commands for a mount namespace: `iptables` is the kind that the kernel has. These programs go by the name they
    are called under, so that one file can stand in another's place, whatever the machine's alternatives say."""
    return "" if has("nf_tables") else f"mount --bind {LEGACY_PROGRAM} {NFT_PROGRAM}\n"
