"""The JSON readers against Python's: the same documents taken, the same values found in them."""

import json
import random
import re
import subprocess

import pytest

from lab import configs

pytestmark = pytest.mark.once

ECHO = "build/asan/unit/json_echo"
STREAM_ECHO = "build/asan/unit/stream_echo"
ROUNDS = 10000

# What mutations put in: bytes that mean something to JSON, or to UTF-8.
BYTES = [b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"/", b"u", b"0", b"1", b"9", b"-", b"+", b".", b"e", b"E",
         b" ", b"\t", b"\n", b"\r", b"\0", b"\x01", b"\x1f", b"\x7f", b"true", b"false", b"null", b"nul", b"NaN",
         b"Infinity", b"\\u0000", b"\\ud83d", b"\\ude00", b"\\u00e4", b"\\x", b"\\\0", b"\x80", b"\xbf", b"\xc0", b"\xc3\xa4",
         b"\xe2\x82\xac", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", b"\xf4\x90\x80\x80", b"\xff", b"\xef\xbb\xbf", b"a"]
STRINGS = ["", "a", "name", "10.244.0.0/24", "ä", "€", "😀", '"', "\\", "/", "\n\t\r\b\f", "\x1f", "\x7f", "\ufffd",
           "x" * 40]
NUMBERS = ["0", "-0", "1", "-1", "65535", "4294967296", "1.5", "-0.25", "1e3", "1E-3", "2e+2", "123456789012345678901"]


def blank(rng):
    return rng.choice(["", "", "", " ", "\n", " \t\r\n"])


def string(rng):
    text = rng.choice(STRINGS) + rng.choice(STRINGS)
    return json.dumps(text, ensure_ascii=rng.random() < 0.5)


def document(rng, depth=0):
    """Text of a random value, well-formed."""
    kind = rng.random() * (1 if depth < 6 else 0.5)
    if kind < 0.2:
        text = string(rng)
    elif kind < 0.35:
        text = rng.choice(NUMBERS)
    elif kind < 0.5:
        text = rng.choice(["true", "false", "null"])
    elif kind < 0.7:
        text = "[" + ",".join(document(rng, depth + 1) for _ in range(rng.randrange(4))) + blank(rng) + "]"
    else:
        members = (f"{blank(rng)}{string(rng)}{blank(rng)}:{document(rng, depth + 1)}" for _ in range(rng.randrange(4)))
        text = "{" + ",".join(members) + blank(rng) + "}"
    return blank(rng) + text + blank(rng)


def mutated(rng, text):
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(text) + 1)
        to = min(len(text), at + rng.randrange(3))
        text = text[:at] + rng.choice([b"", *BYTES]) + text[to:]
    return text[: rng.randrange(len(text) + 1)] if rng.random() < 0.2 else text


def no_constants(name):
    raise ValueError(f"{name} is no JSON")


def as_read_here(value):
    """What our reader makes of a value: U+FFFD for half a surrogate pair, nothing of a string with NUL."""
    if isinstance(value, str):
        whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return None if "\0" in whole else whole
    if isinstance(value, list):
        return [as_read_here(v) for v in value]
    if isinstance(value, dict):
        return {as_key(k): as_read_here(v) for k, v in value.items()}
    return value


def as_key(key):
    """Keys end at a NUL when they are written again."""
    return key.encode("utf-16", "surrogatepass").decode("utf-16", "replace").partition("\0")[0]


def python_reads(text):
    """(True, value) or (False, None)."""
    try:
        return True, as_read_here(json.loads(text.decode(), parse_constant=no_constants))
    except (ValueError, RecursionError):
        return False, None


def texts_at_random():
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    texts = []
    for _ in range(ROUNDS):
        text = document(rng).encode()
        texts += [text, mutated(rng, text), mutated(rng, text), mutated(rng, text)]
    return texts


def echoed(program, texts):
    """What a program of test/unit writes for these documents."""
    subprocess.run(["make", "-s", program], cwd=configs.REPOSITORY, check=True, stdin=subprocess.DEVNULL)
    given = b"".join(b"%d\n%s" % (len(text), text) for text in texts)
    done = subprocess.run([configs.REPOSITORY / program], input=given, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_same_as_python():
    texts = texts_at_random()
    answers = echoed(ECHO, texts).decode().split("\n")[:-1]
    assert len(answers) == len(texts)
    taken = 0
    for text, answer in zip(texts, answers):
        good, value = python_reads(text)
        assert good == (answer != "refused"), text
        if good:
            taken += 1
            assert as_read_here(json.loads(answer)) == value, (text, answer)
    assert ROUNDS < taken < len(texts)


# --- the stream ---------------------------------------------------------------------------------------

class Pairs(list):
    """An object with all its members, in their order."""


def wanted_of(text):
    """What stream_echo asks for: elements of "a", the value of "name", elements of the document."""
    value = json.loads(text.decode(), object_pairs_hook=Pairs)
    found = []
    if isinstance(value, Pairs):
        for key, member in value:
            if key == "a" and type(member) is list:
                found += [(0, element) for element in member]
            elif key == "name":
                found.append((1, member))
    elif isinstance(value, list):
        found += [(2, element) for element in value]
    return found


def answers_of(output):
    """[(values handed on, "end" or "refused"), ...]"""
    at, values = 0, []
    while at < len(output):
        line = re.compile(rb"(end|refused)\n|(\d) (\d+) ").match(output, at)
        at = line.end()
        if line[1]:
            yield values, line[1].decode()
            values = []
            continue
        values.append((int(line[2]), json.loads(output[at:at + int(line[3])], object_pairs_hook=Pairs)))
        at += int(line[3]) + 1


def test_the_stream_hands_on_what_python_finds():
    # Keys that are asked for, at the top and below, where they do not count.
    texts = [text if i % 2 else b'{"a":[%s],"b":%s,"name":%s}' % (text, text, text) for i, text in enumerate(texts_at_random())]
    answers = list(answers_of(echoed(STREAM_ECHO, texts)))
    assert len(answers) == len(texts)
    handed_on = 0
    for text, (values, end) in zip(texts, answers):
        good, _ = python_reads(text)
        assert good == (end == "end"), text
        if good:
            handed_on += len(values)
            assert values == wanted_of(text), text
    assert handed_on > ROUNDS
