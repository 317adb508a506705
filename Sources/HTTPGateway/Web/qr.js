// A QR code of a short text, as squares: byte mode, error correction of level M, versions 1 to 20 (ISO/IEC 18004).

// Per version: error correction codewords in each block, and the number of blocks.
const CORRECTION = [0, 10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26];
const BLOCKS = [0, 1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16];
const MOST_VERSION = 20;

/** The rows of the code, `true` being dark; throws a RangeError for a text that is too long. */
export function qrRows(text) {
  const bytes = new TextEncoder().encode(text);
  let version = 1;
  while (version <= MOST_VERSION && bytes.length > capacity(version)) version++;
  if (version > MOST_VERSION) throw new RangeError("That is too long for a QR code.");
  const code = new Code(version);
  code.place(interleaved(version, dataWords(version, bytes)));
  let best = null;
  for (let mask = 0; mask < 8; mask++) {
    const rows = code.masked(mask);
    const cost = penalty(rows);
    if (!best || cost < best.cost) best = { rows, cost };
  }
  return best.rows;
}

/** All modules of a version that hold data or correction. */
function rawModules(version) {
  let count = (16 * version + 128) * version + 64;
  if (version >= 2) {
    const aligned = Math.floor(version / 7) + 2;
    count -= (25 * aligned - 10) * aligned - 55;
    if (version >= 7) count -= 36;
  }
  return count;
}

function dataLength(version) {
  return Math.floor(rawModules(version) / 8) - CORRECTION[version] * BLOCKS[version];
}

function lengthBits(version) { return version < 10 ? 8 : 16; }

function capacity(version) {
  return Math.floor((dataLength(version) * 8 - 4 - lengthBits(version)) / 8);
}

function dataWords(version, bytes) {
  const bits = [];
  const put = (value, length) => { for (let at = length - 1; at >= 0; at--) bits.push((value >>> at) & 1); };
  put(0b0100, 4);
  put(bytes.length, lengthBits(version));
  for (const byte of bytes) put(byte, 8);
  const most = dataLength(version) * 8;
  put(0, Math.min(4, most - bits.length));
  put(0, (8 - bits.length % 8) % 8);
  for (let pad = 0xec; bits.length < most; pad ^= 0xec ^ 0x11) put(pad, 8);
  return Array.from({ length: bits.length / 8 }, (_, at) => bits.slice(8 * at, 8 * at + 8).reduce((word, bit) => word << 1 | bit, 0));
}

/** The words of all blocks in the order in which they are drawn, corrections behind them. */
function interleaved(version, words) {
  const blocks = BLOCKS[version];
  const short = Math.floor(words.length / blocks), longs = words.length % blocks;
  const data = [], corrections = [];
  for (let block = 0, at = 0; block < blocks; block++) {
    const length = short + (block >= blocks - longs ? 1 : 0);
    data.push(words.slice(at, at + length));
    corrections.push(remainder(data.at(-1), divisor(CORRECTION[version])));
    at += length;
  }
  const result = [];
  for (let at = 0; at <= short; at++) for (const block of data) if (at < block.length) result.push(block[at]);
  for (let at = 0; at < CORRECTION[version]; at++) for (const block of corrections) result.push(block[at]);
  return result;
}

/** The product in the field of 256 elements. */
function product(a, b) {
  let result = 0;
  for (let at = 7; at >= 0; at--) {
    result = (result << 1) ^ ((result >>> 7) * 0x11d);
    result ^= ((b >>> at) & 1) * a;
  }
  return result;
}

function divisor(degree) {
  const result = new Array(degree).fill(0);
  result[degree - 1] = 1;
  for (let round = 0, root = 1; round < degree; round++, root = product(root, 2)) {
    for (let at = 0; at < degree; at++) result[at] = product(result[at], root) ^ (result[at + 1] ?? 0);
  }
  return result;
}

function remainder(data, by) {
  const result = new Array(by.length).fill(0);
  for (const word of data) {
    const factor = word ^ result.shift();
    result.push(0);
    by.forEach((value, at) => { result[at] ^= product(value, factor); });
  }
  return result;
}

/** The square: what belongs to every code of its version, and the data. */
class Code {
  constructor(version) {
    this.version = version;
    this.size = 17 + 4 * version;
    this.dark = Array.from({ length: this.size }, () => new Array(this.size).fill(false));
    this.fixed = Array.from({ length: this.size }, () => new Array(this.size).fill(false));
    for (let at = 0; at < this.size; at++) {
      this.set(6, at, at % 2 === 0);
      this.set(at, 6, at % 2 === 0);
    }
    for (const [x, y] of [[3, 3], [this.size - 4, 3], [3, this.size - 4]]) this.finder(x, y);
    const places = alignments(version, this.size);
    const last = places.length - 1;
    places.forEach((x, i) => places.forEach((y, j) => {
      if (!(i === 0 && j === 0 || i === 0 && j === last || i === last && j === 0)) this.alignment(x, y);
    }));
    this.format(0);
    if (version >= 7) this.versionBits();
  }

  set(x, y, dark) {
    this.dark[y][x] = dark;
    this.fixed[y][x] = true;
  }

  finder(x, y) {
    for (let dy = -4; dy <= 4; dy++) {
      for (let dx = -4; dx <= 4; dx++) {
        const distance = Math.max(Math.abs(dx), Math.abs(dy));
        const [px, py] = [x + dx, y + dy];
        if (px >= 0 && px < this.size && py >= 0 && py < this.size) this.set(px, py, distance !== 2 && distance !== 4);
      }
    }
  }

  alignment(x, y) {
    for (let dy = -2; dy <= 2; dy++) for (let dx = -2; dx <= 2; dx++) this.set(x + dx, y + dy, Math.max(Math.abs(dx), Math.abs(dy)) !== 1);
  }

  format(mask) {
    let rest = mask;  // Level M is 00.
    for (let at = 0; at < 10; at++) rest = (rest << 1) ^ ((rest >>> 9) * 0x537);
    const bits = (mask << 10 | rest) ^ 0x5412;
    const bit = (at) => ((bits >>> at) & 1) === 1;
    const end = this.size;
    for (let at = 0; at <= 5; at++) this.set(8, at, bit(at));
    this.set(8, 7, bit(6));
    this.set(8, 8, bit(7));
    this.set(7, 8, bit(8));
    for (let at = 9; at < 15; at++) this.set(14 - at, 8, bit(at));
    for (let at = 0; at < 8; at++) this.set(end - 1 - at, 8, bit(at));
    for (let at = 8; at < 15; at++) this.set(8, end - 15 + at, bit(at));
    this.set(8, end - 8, true);
  }

  versionBits() {
    let rest = this.version;
    for (let at = 0; at < 12; at++) rest = (rest << 1) ^ ((rest >>> 11) * 0x1f25);
    const bits = this.version << 12 | rest;
    for (let at = 0; at < 18; at++) {
      const [a, b] = [this.size - 11 + at % 3, Math.floor(at / 3)];
      this.set(a, b, ((bits >>> at) & 1) === 1);
      this.set(b, a, ((bits >>> at) & 1) === 1);
    }
  }

  /** Lays the words out in columns of two, up and down, from the right. */
  place(words) {
    let at = 0;
    for (let right = this.size - 1; right >= 1; right -= 2) {
      if (right === 6) right = 5;
      for (let step = 0; step < this.size; step++) {
        const y = ((right + 1) & 2) === 0 ? this.size - 1 - step : step;
        for (const x of [right, right - 1]) {
          if (this.fixed[y][x] || at >= words.length * 8) continue;
          this.dark[y][x] = ((words[at >>> 3] >>> (7 - (at & 7))) & 1) === 1;
          at++;
        }
      }
    }
  }

  masked(mask) {
    this.format(mask);
    return this.dark.map((row, y) => row.map((dark, x) => this.fixed[y][x] ? dark : dark !== MASKS[mask](x, y)));
  }
}

const MASKS = [
  (x, y) => (x + y) % 2 === 0, (x, y) => y % 2 === 0, (x) => x % 3 === 0, (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0, (x, y) => x * y % 2 + x * y % 3 === 0,
  (x, y) => (x * y % 2 + x * y % 3) % 2 === 0, (x, y) => ((x + y) % 2 + x * y % 3) % 2 === 0,
];

function alignments(version, size) {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const step = Math.floor((version * 8 + count * 3 + 5) / (count * 4 - 4)) * 2;
  const places = [6];
  for (let at = size - 7; places.length < count; at -= step) places.splice(1, 0, at);
  return places;
}

/** How hard a code is to read: long runs, squares, what looks like a finder, too much of one colour. */
function penalty(rows) {
  const columns = rows.map((_, at) => rows.map((row) => row[at]));
  let cost = 0, dark = 0;
  for (const line of [...rows, ...columns]) {
    const text = line.map((value) => value ? "1" : "0").join("");
    for (const run of text.match(/0{5,}|1{5,}/g) ?? []) cost += run.length - 2;
    for (const look of ["10111010000", "00001011101"]) {
      for (let at = text.indexOf(look); at >= 0; at = text.indexOf(look, at + 1)) cost += 40;
    }
  }
  for (let y = 0; y < rows.length; y++) {
    for (let x = 0; x < rows.length; x++) {
      if (rows[y][x]) dark++;
      if (x && y && rows[y][x] === rows[y][x - 1] && rows[y][x] === rows[y - 1][x] && rows[y][x] === rows[y - 1][x - 1]) cost += 3;
    }
  }
  return cost + Math.floor(Math.abs(dark * 20 - rows.length ** 2 * 10) / rows.length ** 2) * 10;
}

const SVG = "http://www.w3.org/2000/svg";
const QUIET = 4;

/** The code as a picture, dark on white whatever the page's colours are. */
export function qrNode(text, label) {
  const rows = qrRows(text);
  const make = (tag, attributes) => {
    const node = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    return node;
  };
  const size = rows.length + 2 * QUIET;
  const path = rows.flatMap((row, y) => row.flatMap((dark, x) => dark ? [`M${x + QUIET} ${y + QUIET}h1v1h-1z`] : [])).join("");
  const picture = make("svg", { viewBox: `0 0 ${size} ${size}`, class: "qr", role: "img", "aria-label": label, "shape-rendering": "crispEdges" });
  picture.append(make("rect", { width: size, height: size, fill: "#fff" }), make("path", { d: path, fill: "#000" }));
  return picture;
}
