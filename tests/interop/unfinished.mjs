// A recording under way is read by @mcap/core at every moment, and after a kill, before anything is mended:
// unfinished.mjs ETUDE DIR
import fs from 'node:fs'
import path from 'node:path'
import { execFileSync, spawn } from 'node:child_process'
import { McapStreamReader } from '@mcap/core'
import { loadDecompressHandlers } from '@mcap/support'
import { plan, sleep, test, until } from './support.mjs'

const [etude, dir] = process.argv.slice(2)
const decompressHandlers = await loadDecompressHandlers()
fs.mkdirSync(dir, { recursive: true })

// What a reader has of the bytes so far: how many messages a topic, and whether their numbers have no gap.
function read(file) {
  const reader = new McapStreamReader({ decompressHandlers, validateCrcs: true })
  const topics = new Map(), seen = new Map()
  reader.append(fs.readFileSync(file))
  for (let record; (record = reader.nextRecord());) {
    if (record.type === 'Channel') topics.set(record.id, record.topic)
    if (record.type !== 'Message') continue
    const topic = topics.get(record.channelId)
    if (topic === undefined) throw new Error(`a message of channel ${record.channelId}, which nothing told of`)
    const last = seen.get(topic)
    if (last && record.sequence !== last.sequence + 1)
      throw new Error(`${topic}: ${record.sequence} follows ${last.sequence}`)
    seen.set(topic, { n: (last?.n ?? 0) + 1, sequence: record.sequence })
  }
  return seen
}
const total = seen => [...seen.values()].reduce((sum, one) => sum + one.n, 0)

const part = () => fs.readdirSync(dir).filter(name => name.endsWith('.mcap.part')).map(name => path.join(dir, name))[0]
const recorder = spawn(etude, ['record', '--selftest', '-o', dir, '-q'], { stdio: 'ignore' })
const gone = new Promise(resolve => recorder.on('exit', resolve))
let n_last = 0

await test('a recording under way is read at every moment, whole up to its end, and grows', async () => {
  await until('a recording', () => part())
  for (let i = 0; i < 40; i++) {
    const n = total(read(part()))
    if (n < n_last) return `${n} messages, ${n_last} before`
    n_last = n
    await sleep(73)
  }
  if (n_last < 5000) return `only ${n_last} messages in three seconds`
})
await test('so is what a kill left, as it lies there', async () => {
  recorder.kill('SIGKILL')
  await gone
  const n = total(read(part()))
  if (n < n_last) return `${n} messages, ${n_last} before`
  n_last = n
})
await test('and mended it has no less', async () => {
  execFileSync(etude, ['record', '--recover', '-o', dir, '-q'])
  const name = fs.readdirSync(dir).find(name => name.endsWith('.mcap'))
  const n = total(read(path.join(dir, name)))
  if (n < n_last) return `${n} messages, ${n_last} before`
})
plan()
