// Distances in a dataset's rows, read by hyparquet and a PNG decoder of our own, against what
// tests/cli/make_recording.py recorded: picture k of ten a second is 0, 65535, 1002 + k, 1003 + k …
//
//   node depth.mjs DATASET
import fs from 'node:fs'
import path from 'node:path'
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { decode } from './png.mjs'

const KEY = 'observation.depth.head'
const AGE = 'etude.age.head.depth'
const root = process.argv[2]
const info = JSON.parse(fs.readFileSync(path.join(root, 'meta/info.json'), 'utf8'))
const stats = JSON.parse(fs.readFileSync(path.join(root, 'meta/stats.json'), 'utf8'))
const file = await asyncBufferFromFile(path.join(root, 'data/chunk-000/file-000.parquet'))
const metadata = await parquetMetadataAsync(file)
const rows = await parquetReadObjects({ file, metadata, compressors, utf8: false })

let n = 0
function statement(name, problem) {
  n++
  if (problem) console.log('# ' + problem)
  console.log(`${problem ? 'not ok' : 'ok'} ${n} - ${name}`)
}

const pictures = []
let problem = rows.length === info.total_frames ? '' : `${rows.length} rows`
for (const [i, row] of rows.entries()) {
  try {
    pictures.push(decode(row[KEY].bytes))
  } catch (e) {
    problem ||= `row ${i}: ${e}`
  }
}
statement('every row has a PNG that decodes', problem)
const odd = pictures.findIndex((p) => p.width !== 4 || p.height !== 3 || p.channels !== 1 || p.bits !== 16)
statement('pictures are grey, of 16 bits and the declared shape', odd >= 0 || String(info.features[KEY].shape) !== '3,4,1' ? `row ${odd}` : '')
const number = (p) => p.values[2] - 1002
const wrong = pictures.findIndex((p) => p.values.some((x, i) => x !== (i === 0 ? 0 : i === 1 ? 65535 : 1000 + number(p) + i)))
statement('distances are those that were recorded, to the millimetre', wrong >= 0 ? `row ${wrong}: ${pictures[wrong].values}` : '')
let off = ''
for (const [i, row] of rows.entries()) {
  const before = i > 0 && rows[i - 1].episode_index === row.episode_index ? number(pictures[i - 1]) : number(pictures[i])
  const step = number(pictures[i]) - before
  if (Math.abs(row[AGE]) > 0.0501 || step < 0 || step > 1) off ||= `row ${i}: picture ${number(pictures[i])} is ${row[AGE]} s old`
}
statement('the nearest picture is taken, and its age stated', off)
const s = stats[KEY]
statement('statistics are millimetres of one channel', s.max[0][0][0] === 65535 && s.min[0][0][0] === 0 ? '' : JSON.stringify(s))
console.log(`1..${n}`)
