#!/usr/bin/env python3
"""Lets tshark decode a capture and judges what it says: check.py quiet|busy CAPTURE BASE_PORT"""
import collections
import re
import subprocess
import sys

COMPLAINTS = ("_ws.malformed || _ws.expert.severity >= 0x00600000 || soupbintcp.next_seq_num.invalid || soupbintcp.req_seq_num.invalid || "
              "moldudp64.msglen.invalid || moldudp64.count.invalid")


def main():
    phase, capture, base = sys.argv[1], sys.argv[2], int(sys.argv[3])
    as_what = []
    for replica in (1, 2, 3):
        for decade in (10, 20, 40):  # OUCH, the feed, snapshots
            as_what += ["-d", f"tcp.port=={base + decade + replica},soupbintcp"]
        for decade in (30, 60):  # request servers, lines
            as_what += ["-d", f"udp.port=={base + decade + replica},moldudp64"]

    def run(show, *how):
        done = subprocess.run(["tshark", "-r", capture, *as_what, "-Y", show, *how], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"tshark: {done.stderr}")
        return done.stdout.splitlines()

    def tshark(show, *fields):
        how = ["-T", "fields", "-E", "occurrence=a", "-E", "aggregator=;"]
        for field in fields:
            how += ["-e", field]
        return [line.split("\t") for line in run(show, *how)]

    faults = []
    for frame, protocol, message in tshark(f"(soupbintcp || moldudp64) && ({COMPLAINTS})", "frame.number", "_ws.col.Protocol", "_ws.expert.message"):
        # TCP's own remarks on how a connection ended are none about what it carried.
        if message and all(m.startswith(("Connection reset", "Connection finish", "D-SACK")) for m in message.split(";")):
            continue
        faults.append(f"frame {frame} ({protocol}): {message or 'malformed'}")

    # What the dissectors found: the type of every SoupBinTCP packet, and every message by its number.
    packets = collections.Counter()
    contents = {}
    messages = collections.Counter()

    def see(number, data, way):
        messages[way] += 1
        if contents.setdefault(number, data) != data:
            faults.append(f"number {number} has two contents; one is of {way}")

    for (types,) in tshark("soupbintcp", "soupbintcp.packet_type"):
        packets.update(types.split(";"))
    feed = " || ".join(f"tcp.srcport == {base + 20 + r}" for r in (1, 2, 3))
    # The number that the dissector counts is in its text alone.
    number = None
    for line in run(f"soupbintcp.message && ({feed})", "-T", "pdml"):
        if counted := re.search(r'name="soupbintcp.seq_num" showname="Sequence number: (\d+) \(', line):
            number = int(counted[1])
        elif message := re.search(r'name="soupbintcp.message" .* value="([0-9a-f]+)"', line):
            if number is None:
                faults.append("a message over SoupBinTCP that the dissector gives no number")
            else:
                see(number, message[1], "SoupBinTCP")
            number = None
    requests = heartbeats = 0
    for port, numbers, data, count, length in tshark("moldudp64", "udp.srcport", "moldudp64.msgseq", "moldudp64.msgdata", "moldudp64.count", "udp.length"):
        if int(length) == 8 + 20:
            asked = int(count) != 0
            requests, heartbeats = requests + asked, heartbeats + (not asked)
            continue
        numbers, data = numbers.split(";"), data.split(";")
        if len(numbers) != len(data) or len(data) != int(count):
            faults.append(f"{len(numbers)} numbers for {len(data)} messages of a packet that says {count}")
            continue
        way = "answers" if base + 30 < int(port) < base + 40 else "lines"
        for number, message in zip(numbers, data):
            see(int(number), message, way)
    holes = [n for n in range(1, max(contents, default=0) + 1) if n not in contents]
    if holes:
        faults.append(f"{len(holes)} numbers are missing, the first is {holes[0]}")
    print(f"{phase}: SoupBinTCP packets by type: {dict(sorted(packets.items()))}")
    print(f"MoldUDP64: {requests} requests, {heartbeats} heartbeats; messages: {dict(messages)}; numbers 1 to {max(contents, default=0)}")
    # What has to be there for the verdict to say something.
    if phase == "quiet" and (heartbeats < 3 or packets["'H'"] < 2 or packets["'R'"] < 2):
        faults.append("too few heartbeats: there is too little to judge")
    for way, least in (("SoupBinTCP", 20), ("lines", 3), ("answers", 1)) if phase == "quiet" else (("SoupBinTCP", 500), ("lines", 1500), ("answers", 1)):
        if messages[way] < least:
            faults.append(f"only {messages[way]} messages by {way}: there is too little to judge")
    for fault in faults[:20]:
        print(f"! {fault}")
    if faults:
        sys.exit(f"{len(faults)} faults")
    print("no malformed packet, no number with two contents")


main()
