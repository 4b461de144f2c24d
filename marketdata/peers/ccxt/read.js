// Reads order book, trades and ticker of a running demo with ccxt's class for Coinbase Exchange, over REST and over WebSocket, and checks what it reads.
//   node read.js DIR/cluster.json
// Exit status: 0 all of it was read and fits together, 1 something was not, 2 it could not be run.
import fs from 'node:fs';
import ccxt from 'ccxt';

const patience = 20_000; // ms for each question

if (process.argv.length !== 3) {
  console.error('usage: node read.js DIR/cluster.json');
  process.exit(2);
}
const cluster = JSON.parse(fs.readFileSync(process.argv[2]));

let failures = 0;
function check(ok, what) {
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${what}`);
  if (!ok) failures++;
}

function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`${what}: nothing in ${patience} ms`)), patience); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function checkBook(book, where) {
  const { bids, asks } = book;
  const falling = bids.every((level, i) => i === 0 || bids[i - 1][0] > level[0]);
  const rising = asks.every((level, i) => i === 0 || asks[i - 1][0] < level[0]);
  check(bids.length > 0 && asks.length > 0 && falling && rising, `${where} order book: ${bids.length} bids, ${asks.length} asks, in order`);
  check(bids.length > 0 && asks.length > 0 && bids[0][0] < asks[0][0], `${where} order book: best bid ${bids[0]?.[0]} below best ask ${asks[0]?.[0]}`);
}

function checkTrades(trades, where, symbol) {
  const good = trades.length > 0 && trades.every(t => t.symbol === symbol && t.price > 0 && t.amount > 0 && t.timestamp > 0 && t.id && ['buy', 'sell'].includes(t.side));
  check(good, `${where} trades: ${trades.length}, the last one ${trades.at(-1)?.side} ${trades.at(-1)?.amount} @ ${trades.at(-1)?.price}`);
}

function checkTicker(ticker, where) {
  check(ticker.last > 0 && ticker.bid > 0 && ticker.ask > 0 && ticker.bid < ticker.ask, `${where} ticker: last ${ticker.last}, bid ${ticker.bid}, ask ${ticker.ask}`);
}

async function read(replica, symbol) {
  const host = replica.http;
  console.log(`replica ${replica.id} at ${host}`);
  const exchange = new ccxt.pro.coinbaseexchange({ apiKey: 'any', secret: 'YW55', password: 'any' });
  exchange.urls.api = { public: `http://${host}`, private: `http://${host}`, ws: `ws://${host}/ws` };
  try {
    await exchange.loadHttpProxyAgent(); // ccxt opens plain ws:// only with it
    const markets = await within(exchange.loadMarkets(), 'markets');
    check(cluster.instruments.every(i => markets[`${i.symbol}/USD`]?.active), `markets: all ${cluster.instruments.length} instruments, active`);
    check(Math.abs((await within(exchange.fetchTime(), 'time')) - Date.now()) < 60_000, 'time');
    checkBook(await within(exchange.fetchOrderBook(symbol), 'order book'), 'REST');
    checkTrades(await within(exchange.fetchTrades(symbol), 'trades'), 'REST', symbol);
    checkTicker(await within(exchange.fetchTicker(symbol), 'ticker'), 'REST');
    const candles = await within(exchange.fetchOHLCV(symbol, '1m'), 'candles');
    check(candles.length > 0 && candles.every(([, o, h, l, c, v]) => l <= o && o <= h && l <= c && c <= h && v > 0), `REST candles: ${candles.length}`);

    let book = await within(exchange.watchOrderBook(symbol), 'watched order book');
    checkBook(book, 'WebSocket');
    const before = JSON.stringify(book);
    let changed = false;
    for (let i = 0; i < 200 && !changed; i++) {
      book = await within(exchange.watchOrderBook(symbol), 'watched order book');
      changed = JSON.stringify(book) !== before;
    }
    check(changed, 'WebSocket order book: updates change it');
    checkBook(book, 'WebSocket, later,');
    checkTrades(await within(exchange.watchTrades(symbol), 'watched trades'), 'WebSocket', symbol);
    checkTicker(await within(exchange.watchTicker(symbol), 'watched ticker'), 'WebSocket');
  } finally {
    await exchange.close();
  }
}

const symbol = `${cluster.instruments[0].symbol}/USD`;
try {
  for (const replica of cluster.replicas) await read(replica, symbol);
} catch (error) {
  check(false, String(error?.stack ?? error));
}
console.log(`ccxt ${ccxt.version}: ${failures === 0 ? 'all of it was read' : `${failures} failures`}`);
process.exit(failures === 0 ? 0 : 1);
