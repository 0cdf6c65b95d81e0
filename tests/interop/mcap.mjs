// MCAP: @mcap/core reads what Étude writes, by the index and as a stream, and checks every CRC.
// Prints TAP.
//
//   node mcap.mjs MCAP_FILES FOLDER
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { McapIndexedReader, McapStreamReader } from '@mcap/core'
import { loadDecompressHandlers } from '@mcap/support'
import { plan, test } from './support.mjs'

const [program, folder] = process.argv.slice(2)
fs.mkdirSync(folder, { recursive: true })
const written = execFileSync(program, [folder], { encoding: 'utf8', maxBuffer: 1 << 28 })
  .trimEnd().split('\n').map(line => JSON.parse(line))
const decompressHandlers = await loadDecompressHandlers()

const form = m => ({ channel: m.channelId, sequence: m.sequence, log: String(m.logTime),
  publish: String(m.publishTime), data: Buffer.from(m.data).toString('hex') })

function difference(got, want) {
  for (let i = 0; i < Math.max(got.length, want.length); i++)
    if (JSON.stringify(got[i]) !== JSON.stringify(want[i]))
      return `message ${i} of ${want.length}: ${JSON.stringify(got[i])} is not ${JSON.stringify(want[i])}`
}

// Equal times in the order of writing: JavaScript's sort is stable.
const by_time = rows => [...rows].sort((a, b) => (BigInt(a.log) < BigInt(b.log) ? -1 : BigInt(a.log) > BigInt(b.log) ? 1 : 0))

function readable(path) {
  const bytes = fs.readFileSync(path)
  return {
    size: async () => BigInt(bytes.length),
    read: async (at, n) => new Uint8Array(bytes.subarray(Number(at), Number(at + n))),
  }
}

async function indexed(path, args) {
  const reader = await McapIndexedReader.Initialize({ readable: readable(path), decompressHandlers })
  const got = []
  for await (const m of reader.readMessages({ validateCrcs: true, ...args })) got.push(form(m))
  return { reader, got }
}

const counts = {}
for (const row of written) counts[row.channel] = (counts[row.channel] ?? 0) + 1

for (const name of fs.readdirSync(folder).filter(f => f.endsWith('.mcap')).sort()) {
  const path = `${folder}/${name}`
  await test(`@mcap/core streams ${name} with every CRC`, async () => {
    const stream = new McapStreamReader({ validateCrcs: true, decompressHandlers })
    stream.append(fs.readFileSync(path))
    const got = [], kinds = {}
    for (let r; (r = stream.nextRecord()); ) {
      kinds[r.type] = (kinds[r.type] ?? 0) + 1
      if (r.type === 'Message') got.push(form(r))
    }
    if (!stream.done()) return 'the stream has not ended'
    for (const kind of ['Header', 'Attachment', 'Metadata', 'DataEnd', 'Footer'])
      if (kinds[kind] !== 1) return `${kinds[kind]} of ${kind}`
    return difference(got, written)
  })
  // That reader refuses files that have no index; ours sorts them itself.
  if (name.startsWith('without-chunks') || name.startsWith('without-message-index')) continue
  await test(`@mcap/core reads ${name} by its index with every CRC`, async () => {
    const { reader, got } = await indexed(path)
    const s = reader.statistics
    if (s && (Number(s.messageCount) !== written.length || s.attachmentCount !== 1 || s.metadataCount !== 1))
      return 'the statistics are wrong'
    for (const [id, n] of Object.entries(counts))
      if (s && Number(s.channelMessageCounts.get(Number(id))) !== n) return `the count of channel ${id} is wrong`
    if (reader.channelsById.size !== 5 || reader.schemasById.size !== 1) return 'channels or schemas are missing'
    if (reader.channelsById.get(2).metadata.get('') !== 'é') return 'metadata of a channel is wrong'
    for await (const a of reader.readAttachments({ validateCrcs: true }))
      if (Buffer.from(a.data).toString() !== 'nine byte') return 'the attachment is wrong'
    for await (const m of reader.readMetadata())
      if (m.metadata.get('key') !== 'value') return 'the metadata is wrong'
    return difference(got, by_time(written))
  })
  await test(`@mcap/core finds topics and a range of time in ${name}`, async () => {
    const start = BigInt(written[200].log), end = BigInt(written[400].log)
    const { got } = await indexed(path, { topics: ['/2', '/5'], startTime: start, endTime: end })
    return difference(got, by_time(written.filter(r =>
      [2, 5].includes(r.channel) && BigInt(r.log) >= start && BigInt(r.log) <= end)))
  })
}
plan()
