// Messages of real recordings, decoded by Étude and by Foxglove's decoders, value by value; and of
// protobuf, which no recording at hand has, made here and decoded by protobufjs. Prints TAP.
//
//   node messages.mjs MESSAGE_JSON DATA FOLDER
//
// MESSAGE_JSON is tests/interop/message_json, DATA the real data, FOLDER a place for scratch files.
import fs from 'node:fs'
import path from 'node:path'
import { execFileSync } from 'node:child_process'
import { McapStreamReader } from '@mcap/core'
import { loadDecompressHandlers } from '@mcap/support'
import { parse as parseDefinition } from '@foxglove/rosmsg'
import { MessageReader as Ros1Reader } from '@foxglove/rosmsg-serialization'
import { MessageReader as Ros2Reader } from '@foxglove/rosmsg2-serialization'
import protobuf from 'protobufjs'
import descriptor from 'protobufjs/ext/descriptor/index.js'

const [messageJson, data, folder] = process.argv.slice(2)
const decompressHandlers = await loadDecompressHandlers()

let n_tests = 0
let n_failed = 0
function statement(name, problems, note = '') {
  n_tests++
  if (problems.length > 0) n_failed++
  for (const problem of problems.slice(0, 20)) console.log('# ' + problem)
  console.log(`${problems.length > 0 ? 'not ok' : 'ok'} ${n_tests} - ${name}${note}`)
}
function skip(name, reason) {
  n_tests++
  console.log(`ok ${n_tests} - ${name} # SKIP ${reason}`)
}

/* ---- where messages come from: {topic, type, encoding, text, messageEncoding, bytes} ---- */

function of_mcap(file) {
  const reader = new McapStreamReader({ decompressHandlers, validateCrcs: true })
  const schemas = new Map()
  const channels = new Map()
  const messages = []
  reader.append(fs.readFileSync(file))
  for (;;) {
    let record
    try {
      record = reader.nextRecord()
    } catch {
      break // the file is cut: what was whole counts
    }
    if (!record) break
    if (record.type === 'Schema') schemas.set(record.id, record)
    if (record.type === 'Channel') channels.set(record.id, record)
    if (record.type !== 'Message') continue
    const channel = channels.get(record.channelId)
    const schema = schemas.get(channel.schemaId)
    messages.push({
      topic: channel.topic,
      type: schema.name,
      encoding: schema.encoding,
      text: Buffer.from(schema.data),
      messageEncoding: channel.messageEncoding,
      bytes: Buffer.from(record.data),
    })
  }
  return messages
}

function* records_of_bag(bytes, at, end) {
  while (at + 8 <= end) {
    const n_head = bytes.readUInt32LE(at)
    const head = bytes.subarray(at + 4, at + 4 + n_head)
    const n_body = bytes.readUInt32LE(at + 4 + n_head)
    const body = bytes.subarray(at + 8 + n_head, at + 8 + n_head + n_body)
    if (body.length < n_body) return
    at += 8 + n_head + n_body
    yield { head: fields_of_bag(head), body }
  }
}
function fields_of_bag(bytes) {
  const fields = {}
  for (let at = 0; at + 4 <= bytes.length; ) {
    const n = bytes.readUInt32LE(at)
    const field = bytes.subarray(at + 4, at + 4 + n)
    const equals = field.indexOf('=')
    fields[field.toString('latin1', 0, equals)] = field.subarray(equals + 1)
    at += 4 + n
  }
  return fields
}
// Chunks without compression are enough: what is in the messages does not depend on it.
function of_bag(file) {
  const bytes = fs.readFileSync(file)
  const connections = new Map()
  const messages = []
  const take = ({ head, body }) => {
    const op = head.op[0]
    if (op === 5 && head.compression.toString() === 'none') {
      for (const record of records_of_bag(body, 0, body.length)) take(record)
    } else if (op === 7) {
      connections.set(head.conn.readUInt32LE(0), { topic: head.topic.toString(), ...fields_of_bag(body) })
    } else if (op === 2) {
      const c = connections.get(head.conn.readUInt32LE(0))
      messages.push({
        topic: c.topic,
        type: c.type.toString(),
        encoding: 'ros1msg',
        text: c.message_definition,
        messageEncoding: 'ros1',
        md5: c.md5sum.toString(),
        bytes: body,
      })
    }
  }
  if (bytes.length > 13) for (const record of records_of_bag(bytes, 13, bytes.length)) take(record)
  return messages
}

// rosbag2's SQLite without its definitions: Étude's own have to do.
function of_db3(file) {
  const script = `
import sqlite3, sys, struct
db = sqlite3.connect("file:" + sys.argv[1] + "?immutable=1", uri=True)
for name, kind, data in db.execute("select t.name, t.type, m.data from messages m join topics t "
                                   "on t.id = m.topic_id order by m.timestamp, m.id"):
    for part in (name.encode(), kind.encode(), bytes(data)):
        sys.stdout.buffer.write(struct.pack("<I", len(part)) + part)
`
  const bytes = execFileSync('python3', ['-c', script, file], { maxBuffer: 1 << 28 })
  const messages = []
  for (let at = 0; at < bytes.length; ) {
    const parts = []
    for (let i = 0; i < 3; i++) {
      const n = bytes.readUInt32LE(at)
      parts.push(bytes.subarray(at + 4, at + 4 + n))
      at += 4 + n
    }
    messages.push({
      topic: parts[0].toString(),
      type: parts[1].toString(),
      encoding: '',
      text: Buffer.alloc(0),
      messageEncoding: 'cdr',
      bytes: parts[2],
    })
  }
  return messages
}

/* ---- Étude ---- */

// Integers that doubles do not hold are marked, so that they are compared digit by digit.
function parse_exact(text) {
  return JSON.parse(
    text.replace(/"(?:\\.|[^"\\])*"|-?\d[\d.eE+-]*/g, (m) => (/^-?\d{16,}$/.test(m) ? `"#${m}"` : m))
  )
}
function by_etude(messages) {
  const file = path.join(folder, 'messages')
  const parts = []
  for (const m of messages) {
    for (const part of [m.type, m.encoding, m.text, m.messageEncoding, m.bytes]) {
      const bytes = Buffer.from(part)
      const n = Buffer.alloc(4)
      n.writeUInt32LE(bytes.length)
      parts.push(n, bytes)
    }
  }
  fs.writeFileSync(file, Buffer.concat(parts))
  const lines = execFileSync(messageJson, [file], { maxBuffer: 1 << 30 }).toString().split('\n')
  return lines.slice(0, -1).map(parse_exact)
}

/* ---- Foxglove ---- */

const readers = new Map()
function by_foxglove(m) {
  const text = m.text.toString()
  const key = m.messageEncoding + m.type + text
  if (!readers.has(key)) {
    const definitions = parseDefinition(text, { ros2: m.messageEncoding === 'cdr' })
    readers.set(
      key,
      m.messageEncoding === 'cdr' ? new Ros2Reader(definitions) : new Ros1Reader(definitions)
    )
  }
  return readers.get(key).readMessage(new Uint8Array(m.bytes))
}

/* ---- what both say ---- */

function same(ours, theirs, at, problems) {
  const differ = () => problems.push(`${at}: ${JSON.stringify(ours)} and ${String(theirs)}`)
  if (typeof theirs === 'bigint') {
    const digits = String(theirs)
    const wanted = theirs > 0x7fffffffffffffffn ? digits : digits.length - (theirs < 0n) >= 16 ? '#' + digits : Number(theirs)
    if (ours !== wanted) differ()
  } else if (typeof theirs === 'number') {
    const value = Number.isFinite(theirs) ? theirs : null
    if (!Object.is(typeof ours === 'string' ? Number(ours.slice(1)) : ours, value)) differ()
  } else if (theirs instanceof Uint8Array || (theirs instanceof Int8Array && typeof ours === 'string')) {
    if (Buffer.from(theirs.buffer, theirs.byteOffset, theirs.byteLength).toString('base64') !== ours) differ()
  } else if (Array.isArray(theirs) || ArrayBuffer.isView(theirs)) {
    if (!Array.isArray(ours) || ours.length !== theirs.length) differ()
    else for (let i = 0; i < ours.length; i++) same(ours[i], theirs[i], `${at}[${i}]`, problems)
  } else if (theirs !== null && typeof theirs === 'object') {
    // A time of ROS 1 has other names there.
    const names = Object.keys(theirs)
    const is_time = names.join() === 'sec,nsec'
    const own = Object.keys(ours ?? {})
    if (own.length !== names.length) return differ()
    for (const name of names) {
      const own_name = is_time ? (name === 'sec' ? 'secs' : 'nsecs') : name
      same(ours[own_name], theirs[name], `${at}.${name}`, problems)
    }
  } else if (ours !== theirs) {
    differ()
  }
}

// The values that a path leads to in a decoded message; a time in nanoseconds.
function values_at(value, path) {
  let found = [value]
  for (const step of path.split('.')) {
    const name = step.replace('[]', '')
    found = found.flatMap((v) => {
      if (v === null) return [] // of protobuf: a message that is absent
      return step === name ? [v[name]] : Array.from(v[name])
    })
  }
  return found
}
function leaf(value) {
  if (typeof value === 'string') return [Buffer.from(value).toString('base64')]
  if (value instanceof Uint8Array) return [Buffer.from(value).toString('base64')]
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return Array.from(value).flatMap(leaf)
  if (typeof value === 'bigint') return [BigInt.asIntN(64, value)]
  if (typeof value === 'boolean') return [Number(value)]
  if (value === null) return []
  if (typeof value === 'object') {
    const [s, ns] = Object.values(value)
    return [BigInt.asIntN(64, BigInt(s) * 1000000000n + BigInt(ns))]
  }
  return [value]
}

// What a field program has pulled of every path.
function same_fields(fields, theirs, at, problems) {
  for (const [path, ours] of Object.entries(fields)) {
    const wanted = values_at(theirs, path).flatMap(leaf)
    if (ours.length !== wanted.length) problems.push(`${at}.${path}: ${ours.length} and ${wanted.length} values`)
    else ours.forEach((value, i) => {
      if (typeof wanted[i] === 'string' && value !== wanted[i]) problems.push(`${at}.${path}: a text or bytes`)
      else if (typeof wanted[i] !== 'string') same(value, wanted[i], `${at}.${path}`, problems)
    })
  }
  return Object.keys(fields).length
}

function compare(name, messages) {
  const problems = []
  const answers = by_etude(messages)
  let n_md5 = 0
  let n_paths = 0
  messages.forEach((m, i) => {
    const at = `${m.topic} (${m.type})`
    const answer = answers[i]
    if (answer?.error !== undefined || !answer) return problems.push(`${at}: ${answer?.error}`)
    if (answer.left > 3 || answer.remark) problems.push(`${at}: ${answer.remark ?? answer.left + ' bytes over'}`)
    if (m.md5 && !/^0*$/.test(m.md5)) {
      n_md5++
      if (m.md5 !== answer.md5) problems.push(`${at}: MD5 ${answer.md5}, not ${m.md5}`)
    }
    const theirs = by_foxglove(m)
    same(answer.json, theirs, at, problems)
    n_paths += same_fields(answer.fields, theirs, at, problems)
  })
  const note = `: ${messages.length} messages, ${n_paths} paths, ${n_md5} MD5 sums`
  statement(`${name} as Foxglove decodes it`, problems, note)
  return answers
}

/* ---- protobuf ---- */

const STAMP = `syntax = "proto3"; package google.protobuf;
message Timestamp { int64 seconds = 1; int32 nanos = 2; }`
const STATE = `syntax = "proto3"; package robot;
enum Mode { OFF = 0; ON = 1; FAULT = -3; }
message Motor {
  double q = 1; float torque = 2; sint32 temperature = 3; repeated sfixed64 ticks = 9;
  message Limit { double low = 1; double high = 2; }
  Limit limit = 20;
}
message State {
  google.protobuf.Timestamp stamp = 1;
  repeated Motor motors = 2;
  string name = 3; bytes image = 4; bool ok = 5; Mode mode = 6;
  uint64 id = 7; int64 offset = 8; sint64 zigzag = 10; fixed64 raw = 11; sfixed64 sraw = 12;
  uint32 count = 13; int32 error = 14; fixed32 bits = 15; sfixed32 sbits = 16; float gain = 17;
  repeated double positions = 18; repeated sint32 steps = 19 [packed = false];
  repeated string names = 21; repeated bool flags = 22; repeated Mode modes = 23;
  repeated bytes parts = 24; State before = 1000; repeated uint64 ids = 2000;
}`

// Numbers that are the same in every run, and the edges of each kind among them.
let seed = 1
const below = (n) => (seed = (seed * 48271) % 2147483647) % n
const one_of = (...values) => values[below(values.length)]
const list_of = (make) => Array.from({ length: below(5) }, make)
const real = () => one_of(0, -0, 1.5, -2.25e-3, 1e300, NaN, Infinity, below(1e6) / 7)
const big = (unsigned) => protobuf.util.Long.fromString(
  unsigned ? one_of('0', '7', '9007199254740993', '18446744073709551615', String(below(1e9)))
           : one_of('0', '-1', '9223372036854775807', '-9223372036854775808', String(-below(1e9))), unsigned)
const int32 = () => one_of(0, 1, -1, 2147483647, -2147483648, below(1e6))
const bytes = () => Buffer.from(list_of(() => below(256)))
const maybe = (make) => (below(3) === 0 ? undefined : make())
const motor = () => ({
  q: maybe(real), torque: maybe(real), temperature: maybe(int32), ticks: list_of(() => big(false)),
  limit: maybe(() => ({ low: real(), high: maybe(real) })),
})
const state = (depth) => ({
  stamp: maybe(() => ({ seconds: one_of(1700000000, 0, -5), nanos: below(1e9) })),
  motors: list_of(motor), name: maybe(() => one_of('', 'g1', 'Ä "ö" \n')), image: maybe(bytes),
  ok: maybe(() => true), mode: maybe(() => one_of(0, 1, -3)),
  id: maybe(() => big(true)), offset: maybe(() => big(false)), zigzag: maybe(() => big(false)),
  raw: maybe(() => big(true)), sraw: maybe(() => big(false)), count: maybe(() => int32() >>> 0),
  error: maybe(int32), bits: maybe(() => int32() >>> 0), sbits: maybe(int32), gain: maybe(real),
  positions: list_of(real), steps: list_of(int32), names: list_of(() => one_of('', 'é')),
  flags: list_of(() => below(2) === 0), modes: list_of(() => one_of(0, 1, -3)),
  parts: list_of(bytes), before: depth > 0 ? maybe(() => state(depth - 1)) : undefined,
  ids: list_of(() => big(true)),
})

// An absent message is null; numbers of 64 bits are BigInt here.
function plain(value) {
  if (protobuf.util.Long.isLong(value)) return BigInt(value.toString())
  if (value instanceof Uint8Array || value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map(plain)
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plain(part)]))
}

function compare_protobuf() {
  const root = new protobuf.Root()
  protobuf.parse(STAMP, root, { keepCase: true })
  protobuf.parse(STATE, root, { keepCase: true })
  root.resolveAll()
  const text = Buffer.from(descriptor.FileDescriptorSet.encode(root.toDescriptor('proto3')).finish())
  const type = root.lookupType('robot.State')
  const messages = Array.from({ length: 300 }, () => ({
    type: 'robot.State', encoding: 'protobuf', text, messageEncoding: 'protobuf',
    bytes: Buffer.from(type.encode(type.fromObject(state(2))).finish()),
  }))
  const problems = []
  by_etude(messages).forEach((answer, i) => {
    if (answer.error !== undefined || answer.left > 0) return problems.push(`message ${i}: ${answer.error}`)
    const theirs = plain(type.toObject(type.decode(messages[i].bytes), { defaults: true }))
    same(answer.json, theirs, `message ${i}`, problems)
    same_fields(answer.fields, theirs, `message ${i}`, problems)
  })
  statement('messages of protobuf as protobufjs decodes them', problems, `: ${messages.length} messages`)
}

/* ---- the statements ---- */

const MCAPS = [
  ...[0, 1, 6, 7, 8, 9, 10, 11, 12, 13, 14].map((i) => `robots/robocodec_test_${i}.mcap`),
  'bags/Tiryoh_rosbag-analyzer-web/e2e/fixtures/test_sample.mcap',
  'rosbag2/rosbag2_py/test/resources/mcap/talker/talker.mcap',
  'rosbag2/rosbag2_py/test/resources/mcap/wbag/wbag_0.mcap',
  'rosbag2/rosbag2_tests/resources/mcap/cdr_test/cdr_test_0.mcap',
]
const BAGS = [
  'robots/kuavo.bag',
  'robots/robocodec_test_19.bag',
  'rosbag1/fixtures/example.bag',
  'rosbag1/fixtures/example-unsorted-chunks.bag',
  'bags/Tiryoh_rosbag-analyzer-web/e2e/fixtures/test_sample.bag',
  'bags/Tiryoh_rosbag-analyzer-web/e2e/fixtures/test_sample_no_rosout.bag',
  'bags/ros_ros_comm/tools/rosbag_storage/test/test.bag',
]
const TWIN_MCAP = 'robots/robocodec_test_14.mcap'
const TWIN_DB3 = 'bags/geocamxyz_rosbags-rs/tests/test_bags/test_bag_sqlite3/test_bag_sqlite3.db3'
const OLD_DB3 = ['bags/klintan_rosbag2.js/examples/sample.db3', 'bags/foxglove_mcap/testdata/db3/chatter.db3']

fs.mkdirSync(folder, { recursive: true })
compare_protobuf()
if (!fs.existsSync(data)) {
  skip('real messages as Foxglove decodes them', 'no data')
} else {
  const there = (file) => fs.existsSync(path.join(data, file))
  for (const file of MCAPS.filter(there)) {
    const messages = of_mcap(path.join(data, file))
    const answers = compare(file, messages)
    if (file !== TWIN_MCAP) continue
    const other = answers.map((a, i) => `${messages[i].topic}: ${a.again}`).filter((_, i) => answers[i].again !== 'same')
    statement('the 94 types, written again, are the same bytes', other, `: ${messages.length} messages`)
  }
  for (const file of BAGS.filter(there)) compare(file, of_bag(path.join(data, file)))

  // The same messages without definitions.
  const twins = new Map(of_mcap(path.join(data, TWIN_MCAP)).map((m) => [m.topic, m.text]))
  const bare = of_db3(path.join(data, TWIN_DB3))
  const problems = []
  by_etude(bare).forEach((answer, i) => {
    const m = bare[i]
    if (answer.error !== undefined) problems.push(`${m.topic}: ${answer.error}`)
    else {
      const theirs = by_foxglove({ ...m, text: twins.get(m.topic) })
      same(answer.json, theirs, m.topic, problems)
      same_fields(answer.fields, theirs, m.topic, problems)
    }
  })
  statement('the SQLite twin of the 94 types, by our own definitions', problems, `: ${bare.length} messages`)
  for (const file of OLD_DB3.filter(there)) {
    const messages = of_db3(path.join(data, file))
    const wrong = by_etude(messages).filter((a) => a.error !== undefined || a.left > 3 || a.remark)
    statement(`${file} by our own definitions`, wrong.map((a) => a.error ?? a.remark), `: ${messages.length} messages`)
  }
}
console.log(`1..${n_tests}`)
process.exit(n_failed > 0 ? 1 : 0)
