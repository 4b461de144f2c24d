#!/usr/bin/env python3
"""Reads a captured feed and rebuilds every book from it, with nothing but Python's standard library.

It is written from the published layouts of SoupBinTCP 3.00, MoldUDP64 1.00 and ITCH 5.0, and shares no line with the exchange, so that a
mistake in one of the two shows.

    decode.py FILE                    a SoupBinTCP stream as a client received it (several connections one after another are fine)
    decode.py --mold FILE             MoldUDP64 datagrams, each with its length in two bytes before it, the higher one first
    decode.py FILE --expect BOOKS     compare with the engine's books, order by order; see below
    decode.py FILE --books OUT        write the books at the end ("-": to standard output)

BOOKS holds a line "# after NUMBER ORDERS CRC32" for each moment of the day at which the engine's books were written down (NUMBER is the feed's last
message then, CRC32 that of the lines below, as they were), and at the end every order, one a line, in the order in which they would trade:

    SYMBOL SIDE PRICE SHARES REFERENCE

Exit status: 0 good; 1 the feed makes no sense, or the books differ; 2 it could not be read.
"""
import argparse
import struct
import sys
import zlib

# Length of each ITCH message in bytes.
LENGTHS = {
    b"S": 12, b"R": 39, b"H": 25, b"Y": 20, b"L": 26, b"V": 35, b"W": 12, b"K": 28, b"J": 35, b"h": 21, b"A": 36, b"F": 40, b"E": 31,
    b"C": 36, b"X": 23, b"D": 19, b"U": 35, b"P": 44, b"Q": 40, b"B": 19, b"I": 50, b"N": 20, b"O": 48,
}
NOT_ABOUT_A_STOCK = (b"S", b"V", b"W")
EVENT_CODES = b"OSQMEC"
TRADING_STATES = b"HPQT"
HIGHEST_PRICE = 2_000_000_000  # 200,000.0000
REMEMBERED = 65536  # messages whose content is compared when their number comes again
DAY_NS = 24 * 3600 * 1_000_000_000

ADD = struct.Struct(">QcI8sI")  # at 11: reference, side, shares, stock, price
EXECUTED = struct.Struct(">QIQ")  # reference, shares, match number
REPLACED = struct.Struct(">QQII")  # old reference, new one, shares, price
CANCELLED = struct.Struct(">QI")
NUMBER = struct.Struct(">Q")


class Wrong(Exception):
    """The feed makes no sense."""


def text(field):
    """Text is ASCII, left-justified, padded with spaces."""
    name = field.rstrip(b" ")
    if b" " in name or not name.isascii():
        raise Wrong(f"text field {field!r}")
    return name.decode()


class Order:
    __slots__ = ("locate", "side", "price", "shares")

    def __init__(self, locate, side, price, shares):
        self.locate, self.side, self.price, self.shares = locate, side, price, shares


class Stock:
    def __init__(self, symbol):
        self.symbol = symbol
        self.state = None
        # By side, by price: the references in the order of their turn (a dict keeps it).
        self.levels = {b"B": {}, b"S": {}}


class Books:
    """All books, built message by message."""

    def __init__(self):
        self.stocks = {}
        self.orders = {}
        self.counts = {}
        self.matches = set()
        self.trades = self.volume = 0
        self.day = None

    def apply(self, m):
        kind = m[:1]
        if kind not in LENGTHS:
            raise Wrong(f"message type {kind!r}")
        if len(m) != LENGTHS[kind]:
            raise Wrong(f"message {kind!r} of {len(m)} bytes, {LENGTHS[kind]} are right")
        self.counts[kind] = self.counts.get(kind, 0) + 1
        locate = m[1] << 8 | m[2]
        if int.from_bytes(m[5:11], "big") >= DAY_NS:
            raise Wrong("a time after the end of the day")
        if kind in NOT_ABOUT_A_STOCK:
            if locate != 0:
                raise Wrong(f"message {kind!r} about stock {locate}")
        elif kind == b"R":
            return self.directory(locate, m)
        elif locate not in self.stocks:
            raise Wrong(f"message {kind!r} about stock {locate}, which is not in the directory")
        handler = self.HANDLERS.get(kind)
        if handler:
            handler(self, locate, m)

    def event(self, _, m):
        code = m[11:12]
        if code not in EVENT_CODES:
            raise Wrong(f"event code {code!r}")
        self.day = code

    def directory(self, locate, m):
        symbol = text(m[11:19])
        known = self.stocks.get(locate)
        if locate == 0 or not symbol or known and known.symbol != symbol:
            raise Wrong(f"stock {locate} is listed as {symbol!r}")
        if not known:
            if any(s.symbol == symbol for s in self.stocks.values()):
                raise Wrong(f"{symbol} is listed twice")
            self.stocks[locate] = Stock(symbol)

    def action(self, locate, m):
        self.named(locate, m[11:19])
        if m[19:20] not in TRADING_STATES:
            raise Wrong(f"trading state {m[19:20]!r}")
        self.stocks[locate].state = m[19:20]

    def named(self, locate, stock):
        if text(stock) != self.stocks[locate].symbol:
            raise Wrong(f"stock {locate} is {self.stocks[locate].symbol}, the message says {text(stock)}")

    def add(self, locate, m):
        ref, side, shares, stock, price = ADD.unpack_from(m, 11)
        self.named(locate, stock)
        self.enter(ref, Order(locate, side, price, shares))

    def enter(self, ref, order):
        if ref in self.orders:
            raise Wrong(f"order {ref} is entered twice")
        if order.side not in (b"B", b"S") or order.shares == 0 or order.price > HIGHEST_PRICE:
            raise Wrong(f"order {ref}: side {order.side!r}, {order.shares} shares, price {order.price}")
        self.orders[ref] = order
        self.stocks[order.locate].levels[order.side].setdefault(order.price, {})[ref] = None

    def order(self, locate, ref):
        order = self.orders.get(ref)
        if order is None:
            raise Wrong(f"order {ref} is not in the book")
        if order.locate != locate:
            raise Wrong(f"order {ref} of stock {order.locate}, the message is about {locate}")
        return order

    def take(self, locate, ref, shares):
        order = self.order(locate, ref)
        if shares == 0 or shares > order.shares:
            raise Wrong(f"{shares} of order {ref}'s {order.shares} shares")
        order.shares -= shares
        if order.shares == 0:
            self.remove(ref, order)
        return order

    def remove(self, ref, order):
        del self.orders[ref]
        levels = self.stocks[order.locate].levels[order.side]
        level = levels[order.price]
        del level[ref]
        if not level:
            del levels[order.price]

    def executed(self, locate, m):
        ref, shares, match = EXECUTED.unpack_from(m, 11)
        # A trade is with the best order that is shown, and of those at its price with the first.
        order = self.order(locate, ref)
        levels = self.stocks[locate].levels[order.side]
        best = max(levels) if order.side == b"B" else min(levels)
        if order.price != best or next(iter(levels[best])) != ref:
            raise Wrong(f"order {ref} is executed before its turn")
        self.take(locate, ref, shares)
        self.traded(match, shares)

    def executed_at(self, locate, m):
        ref, shares, match = EXECUTED.unpack_from(m, 11)
        printable = m[31:32]
        if printable not in (b"Y", b"N"):
            raise Wrong(f"printable {printable!r}")
        self.take(locate, ref, shares)
        self.traded(match, shares if printable == b"Y" else 0)

    def traded(self, match, shares):
        if match in self.matches:
            raise Wrong(f"match number {match} is given twice")
        self.matches.add(match)
        self.trades += 1
        self.volume += shares

    def cancelled(self, locate, m):
        ref, shares = CANCELLED.unpack_from(m, 11)
        self.take(locate, ref, shares)

    def deleted(self, locate, m):
        (ref,) = NUMBER.unpack_from(m, 11)
        self.remove(ref, self.order(locate, ref))

    def replaced(self, locate, m):
        old, new, shares, price = REPLACED.unpack_from(m, 11)
        order = self.order(locate, old)
        self.remove(old, order)
        self.enter(new, Order(locate, order.side, price, shares))

    def trade(self, locate, m):
        self.named(locate, m[24:32])
        (shares,) = struct.unpack_from(">I", m, 20)
        self.traded(NUMBER.unpack_from(m, 36)[0], shares)

    def cross(self, locate, m):
        (shares,) = NUMBER.unpack_from(m, 11)
        self.named(locate, m[19:27])
        self.traded(NUMBER.unpack_from(m, 31)[0], shares)

    def broken(self, _, m):
        (match,) = NUMBER.unpack_from(m, 11)
        if match not in self.matches:
            raise Wrong(f"match {match} is broken and was never made")

    HANDLERS = {b"S": event, b"H": action, b"A": add, b"F": add, b"E": executed, b"C": executed_at, b"X": cancelled, b"D": deleted,
                b"U": replaced, b"P": trade, b"Q": cross, b"B": broken}

    def lines(self):
        """Every order, one a line."""
        for locate in sorted(self.stocks):
            stock = self.stocks[locate]
            for side in (b"B", b"S"):
                levels = stock.levels[side]
                for price in sorted(levels, reverse=side == b"B"):
                    for ref in levels[price]:
                        yield f"{stock.symbol} {side.decode()} {price} {self.orders[ref].shares} {ref}\n"

    def crossed(self):
        """Stocks of which somebody bids what somebody asks."""
        for stock in self.stocks.values():
            bids, asks = stock.levels[b"B"], stock.levels[b"S"]
            if bids and asks and max(bids) >= min(asks):
                yield stock.symbol


def soup_messages(data):
    """The messages of a SoupBinTCP stream, with their numbers."""
    at, number, session, ended = 0, None, None, False
    while at < len(data):
        if at + 3 > len(data):
            raise Wrong("the stream ends in a packet's header")
        length = data[at] << 8 | data[at + 1]
        kind, payload = data[at + 2:at + 3], data[at + 3:at + 2 + length]
        if length < 1 or len(payload) != length - 1:
            raise Wrong("the stream ends in a packet")
        at += 2 + length
        if kind == b"A":
            if len(payload) != 30:
                raise Wrong(f"login accepted of {len(payload)} bytes")
            name, first = payload[:10].strip(), int(payload[10:].strip())
            if session not in (None, name):
                raise Wrong(f"session {session!r} became {name!r}")
            if number is not None and first > number:
                raise Wrong(f"number {first} after {number - 1}")
            session, number, ended = name, first, False
        elif kind == b"S":
            if number is None or ended:
                raise Wrong("a message outside of a session")
            yield number, payload
            number += 1
        elif kind == b"Z":
            ended = True
        elif kind not in (b"H", b"+", b"J"):
            raise Wrong(f"packet type {kind!r} from a server")


def mold_messages(data):
    """The messages of MoldUDP64 datagrams in the order of their numbers, whatever line they came on."""
    at, session, following = 0, None, 1
    waiting = {}
    while at < len(data):
        if at + 2 > len(data):
            raise Wrong("the capture ends in a datagram's length")
        length = data[at] << 8 | data[at + 1]
        packet = data[at + 2:at + 2 + length]
        at += 2 + length
        if len(packet) != length or length < 20:
            raise Wrong(f"a datagram of {len(packet)} bytes")
        name = packet[:10].rstrip(b" ")
        if session not in (None, name):
            raise Wrong(f"session {session!r} became {name!r}")
        session = name
        number, count = struct.unpack_from(">QH", packet, 10)
        block = 20
        if count == 0xFFFF:
            count = 0
        for n in range(number, number + count):
            size = packet[block] << 8 | packet[block + 1] if block + 2 <= length else length
            if block + 2 + size > length:
                raise Wrong(f"message {n} goes beyond its datagram")
            message = packet[block + 2:block + 2 + size]
            block += 2 + size
            if n >= following and waiting.setdefault(n, message) != message:
                raise Wrong(f"number {n} has two contents")
        if block != length:
            raise Wrong(f"{length - block} bytes follow the last message of a datagram")
        while following in waiting:
            yield following, waiting.pop(following)
            following += 1
    if waiting:
        raise Wrong(f"number {following} is missing, {min(waiting)} is there")


def expectation(path):
    """What the engine says: moments of the day, and the orders at its end."""
    moments, orders = {}, []
    with open(path, encoding="ascii") as lines:
        for line in lines:
            if line.startswith("# after "):
                number, count, crc = line.split()[2:]
                moments[int(number)] = (int(count), int(crc, 16))
            elif not line.startswith("#"):
                orders.append(line)
    return moments, orders


def compare(books, moment, number):
    """The books at one moment against the engine's."""
    lines = "".join(books.lines()).encode()
    count, crc = moment
    if len(books.orders) != count or zlib.crc32(lines) != crc:
        raise Wrong(f"after message {number} the books have {len(books.orders)} orders, CRC {zlib.crc32(lines):08x}; the engine's have {count}, {crc:08x}")


def main():
    parser = argparse.ArgumentParser(description="Rebuilds the books from a captured feed.")
    parser.add_argument("file")
    parser.add_argument("--mold", action="store_true", help="the capture is of MoldUDP64 datagrams")
    parser.add_argument("--expect", metavar="BOOKS", help="the engine's books")
    parser.add_argument("--books", metavar="OUT", help="where the books at the end are written")
    options = parser.parse_args()
    try:
        with open(options.file, "rb") as f:
            data = f.read()
        moments, want = expectation(options.expect) if options.expect else ({}, None)
    except (OSError, ValueError) as e:
        print(f"decode.py: {e}", file=sys.stderr)
        return 2
    books, number, following, compared = Books(), 0, None, 0
    contents = {}
    try:
        for number, message in mold_messages(data) if options.mold else soup_messages(data):
            if following is not None and number < following:
                before = contents.get(number % REMEMBERED)
                if before and before[0] == number and before[1] != message:
                    raise Wrong("the number had another content before")
                continue
            if following is None and number != 1:
                raise Wrong("the capture does not begin with message 1")
            following = number + 1
            books.apply(message)
            contents[number % REMEMBERED] = (number, message)
            if number in moments:
                compare(books, moments[number], number)
                compared += 1
        for symbol in books.crossed():
            raise Wrong(f"the book of {symbol} is crossed")
        if want is not None:
            if compared != len(moments):
                raise Wrong(f"the engine wrote {len(moments)} moments down, the feed came to {compared} of them; its last message is {number}")
            have = list(books.lines())
            for i, (a, b) in enumerate(zip(have, want)):
                if a != b:
                    raise Wrong(f"order {i + 1} of the books is {a.strip()!r}, the engine has {b.strip()!r}")
            if len(have) != len(want):
                raise Wrong(f"{len(have)} orders, the engine has {len(want)}")
    except Wrong as e:
        print(f"decode.py: {options.file}: message {number}: {e}", file=sys.stderr)
        return 1
    if options.books:
        out = sys.stdout if options.books == "-" else open(options.books, "w", encoding="ascii")
        out.writelines(books.lines())
    kinds = " ".join(f"{k.decode()} {n}" for k, n in sorted(books.counts.items()))
    print(f"{number} messages ({kinds}); {books.trades} trades, volume {books.volume}; {len(books.orders)} orders rest"
          + (f"; equal to the engine's at {compared} moments and at the end" if want is not None else ""), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
