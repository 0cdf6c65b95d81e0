// Foxglove's own client watches Étude, and Foxglove's own server is taken by Étude. Prints TAP.
//
//   node foxglove.mjs ETUDE RECORDING FOLDER
//
// RECORDING is of synthetic robots or of the virtual centre; FOLDER is a place for scratch files.
import { execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import { McapStreamReader } from '@mcap/core'
import { loadDecompressHandlers } from '@mcap/support'
import { parse as parseDefinition } from '@foxglove/rosmsg'
import { MessageReader } from '@foxglove/rosmsg2-serialization'
import WebSocket, { WebSocketServer } from 'ws'
import { plan, test } from './support.mjs'

const require = createRequire(import.meta.url)
const { FoxgloveClient, FoxgloveServer } = require('@foxglove/ws-protocol')
const [etude, recording, folder] = process.argv.slice(2)
fs.mkdirSync(folder, { recursive: true })
const decompressHandlers = await loadDecompressHandlers()
const LIMIT_MS = 60000
const OWN = new Set(['/events', '/clocks']) // a recorder adds its own beside what it hears

function readMcap(path) {
  const stream = new McapStreamReader({ decompressHandlers, validateCrcs: true })
  const channels = new Map(), schemas = new Map(), messages = new Map()
  stream.append(fs.readFileSync(path))
  for (let r; (r = stream.nextRecord()); ) {
    if (r.type === 'Schema') schemas.set(r.id, r)
    if (r.type === 'Channel') channels.set(r.id, r)
    if (r.type !== 'Message') continue
    const { topic, schemaId } = channels.get(r.channelId)
    if (!messages.has(topic)) messages.set(topic, { schema: schemas.get(schemaId), all: [] })
    messages.get(topic).all.push(r)
  }
  return messages
}

const plain = v => JSON.stringify(v, (_, x) =>
  typeof x === 'bigint' ? String(x) : ArrayBuffer.isView(x) ? Array.from(x, String) : x)
const hex = bytes => Buffer.from(bytes).toString('hex')

// A program of Étude's; resolves to its URL once it says one.
function start(args) {
  const child = spawn(etude, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  child.said = ''
  child.out = ''
  child.stdout.on('data', d => (child.out += d))
  child.over = new Promise(resolve => child.on('exit', code => resolve(code)))
  child.url = new Promise((resolve, reject) => {
    child.stderr.on('data', d => {
      child.said += d
      const at = child.said.match(/at (wss?:\S+)/)
      if (at) resolve(at[1])
    })
    child.over.then(code => reject(new Error(`exit ${code}: ${child.said}`)))
    setTimeout(() => reject(new Error('it says no address')), LIMIT_MS).unref()
  })
  child.url.catch(() => {})
  return child
}

// Subscribes to every channel of a server and keeps what comes until it ends.
function watch(url, protocol) {
  const ws = new WebSocket(url, [protocol])
  const client = new FoxgloveClient({ ws })
  const seen = { channels: [], messages: new Map(), errors: [], info: null, protocol: '' }
  const topics = new Map()
  client.on('open', () => (seen.protocol = ws.protocol))
  client.on('serverInfo', info => (seen.info = info))
  client.on('error', e => seen.errors.push(String(e)))
  client.on('status', s => seen.errors.push(s.message))
  client.on('advertise', channels => {
    for (const c of channels) {
      seen.channels.push(c)
      topics.set(client.subscribe(c.id), c.topic)
      seen.messages.set(c.topic, [])
    }
  })
  client.on('message', m => seen.messages.get(topics.get(m.subscriptionId)).push({
    log: m.timestamp,
    bytes: Uint8Array.from(new Uint8Array(m.data.buffer, m.data.byteOffset, m.data.byteLength)),
  }))
  return new Promise(resolve => {
    client.on('close', () => resolve(seen))
    setTimeout(() => resolve(seen), LIMIT_MS).unref()
  })
}

const recorded = readMcap(recording)

for (const protocol of ['foxglove.websocket.v1', 'foxglove.sdk.v1'])
  await test(`Foxglove's client hears by ${protocol} what etude play sends, byte by byte`, async () => {
    const player = start(['play', recording, '--wait', '--speed', '2', '--foxglove', '127.0.0.1:0'])
    const seen = await watch(await player.url, protocol)
    const code = await player.over
    if (code !== 0 || seen.errors.length) return `exit ${code}, ${seen.errors}`
    if (seen.protocol !== protocol || !seen.info.name) return `${seen.protocol}, ${plain(seen.info)}`
    for (const [topic, { schema, all }] of recorded) {
      const channel = seen.channels.find(c => c.topic === topic)
      if (!channel) return `${topic} is not advertised`
      if (channel.schemaName !== schema.name || channel.schemaEncoding !== schema.encoding ||
          (schema.encoding !== 'protobuf' && channel.schema !== Buffer.from(schema.data).toString()))
        return `${topic} has another definition`
      const got = seen.messages.get(topic)
      if (got.length !== all.length) return `${topic}: ${got.length} messages of ${all.length}`
      for (let i = 0; i < all.length; i++)
        if (hex(got[i].bytes) !== hex(all[i].data)) return `${topic}: message ${i} differs`
      const late = Date.now() - Number(got.at(-1).log / 1000000n)
      if (late < 0 || late > LIMIT_MS) return `${topic}: a log time ${late} ms ago`
    }
  })

await test("Foxglove's decoder makes of a live station's streams the values that it records", async () => {
  const file = `${folder}/station.yaml`
  fs.writeFileSync(file, `station: a\nrun: session\nfoxglove: 127.0.0.1:0\nsources:\n` +
    `  robot: {kind: replay, path: ${fs.realpathSync(recording)}, loop: true}\n`)
  const recorder = start(['record', '--station', file, '-o', `${folder}/kept`])
  const url = await recorder.url
  setTimeout(() => recorder.kill('SIGINT'), 2000)
  const seen = await watch(url, 'foxglove.sdk.v1')
  if ((await recorder.over) !== 0) return recorder.said
  const name = fs.readdirSync(`${folder}/kept`).find(f => f.endsWith('.mcap'))
  const kept = readMcap(`${folder}/kept/${name}`)
  let n = 0
  for (const channel of seen.channels) {
    const got = seen.messages.get(channel.topic)
    if (channel.schemaEncoding !== 'ros2msg' || got.length === 0 || OWN.has(channel.topic)) continue
    const reader = new MessageReader(parseDefinition(channel.schema, { ros2: true }))
    const at = kept.get(channel.topic).all
    const first = at.findIndex(m => hex(m.data) === hex(got[0].bytes))
    for (let i = 0; i < got.length; i++, n++)
      if (plain(reader.readMessage(got[i].bytes)) !== plain(reader.readMessage(at[first + i].data)))
        return `${channel.topic}: message ${i} differs`
  }
  if (n < 1000) return `only ${n} messages`
})

await test("Étude takes the streams of Foxglove's server, also those that come and change later", async () => {
  const server = new FoxgloveServer({ name: 'judge', capabilities: ['time'], supportedEncodings: ['cdr'] })
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1',
    handleProtocols: protocols => server.handleProtocols(protocols) })
  const wanted = new Map()
  await new Promise(resolve => wss.on('listening', resolve))
  wss.on('connection', (ws, request) => server.handleConnection(ws, request.socket.remoteAddress))
  const add = (topic, schemaName, schema, encoding = 'json', schemaEncoding = undefined) => {
    wanted.set(topic, wanted.get(topic) ?? [])
    return server.addChannel({ topic, encoding, schemaName, schema, schemaEncoding })
  }
  const a = add('/a', 'A', '{"type":"object"}')
  const p = add('/p', 'a.B', Buffer.from([10, 0]).toString('base64'), 'protobuf')
  const file = `${folder}/taken.yaml`
  fs.writeFileSync(file, `station: a\nrun: session\nsources:\n` +
    `  other: {kind: foxglove, url: "ws://127.0.0.1:${wss.address().port}"}\n`)
  const recorder = start(['record', '--station', file, '-o', `${folder}/taken`, '-q'])
  const subscribed = new Set()
  server.on('subscribe', id => subscribed.add(id))
  const until = async is => {
    for (let i = 0; i < 600 && !is(); i++) await new Promise(r => setTimeout(r, 50))
    if (!is()) throw new Error(`waited in vain: ${recorder.said}`)
  }
  const send = (id, topic, text) => {
    const log = BigInt(Date.now()) * 1000000n
    wanted.get(topic).push({ log, text })
    server.sendMessage(id, log, Buffer.from(text))
  }
  await until(() => subscribed.has(a) && subscribed.has(p))
  server.broadcastTime(BigInt(Date.now()) * 1000000n)
  for (let i = 0; i < 100; i++) send(a, '/a', `{"i":${i}}`)
  send(p, '/p', 'bytes')
  const late = add('/late', 'std_msgs/msg/String', 'string data', 'cdr', 'ros2msg')
  await until(() => subscribed.has(late))
  send(late, '/late', 'x'.repeat(100000))
  server.removeChannel(a)
  const changed = add('/a', 'A', '{"type":"array"}')
  await until(() => subscribed.has(changed))
  send(changed, '/a', '[]')
  await new Promise(r => setTimeout(r, 500))
  recorder.kill('SIGINT')
  if ((await recorder.over) !== 0) return recorder.said
  wss.close()
  const name = fs.readdirSync(`${folder}/taken`).find(f => f.endsWith('.mcap'))
  const kept = readMcap(`${folder}/taken/${name}`)
  for (const [topic, all] of wanted) {
    const got = kept.get(topic)?.all.map(m => ({ log: m.publishTime, text: Buffer.from(m.data).toString() }))
    if (plain(got) !== plain(all)) return `${topic}: ${plain(got).slice(0, 300)}`
  }
  if (hex(kept.get('/p').schema.data) !== '0a00') return 'the definition of /p'
})

plan()
process.exit(0)
