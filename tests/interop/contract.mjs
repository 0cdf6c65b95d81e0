// The LeRobot contract: every access that LeRobot's loader makes to a v3.0 dataset, made here through
// an independent Parquet reader and an own MP4 index reader. Prints TAP.
//
//   node contract.mjs DATASET
//
// Each statement names the lines it mirrors, in huggingface/lerobot at
// 7427f31801f944f5ec9ce53cda02862ce7d1638b (2026-08-23), below src/lerobot/. What the loader leaves to
// pandas, datasets and torch is spelled out, because that is where a file that looks right fails.
import fs from 'node:fs'
import path from 'node:path'
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { decode } from './png.mjs'

const root = process.argv[2]
const TOLERANCE_S = 1e-4 // datasets/lerobot_dataset.py:55, the loader's default
const DELTA_TIMESTAMPS_FRAMES = [-2, -1, 0, 1, 7] // steps around a row, as policies ask for them
const ROWS_SAMPLED = 97 // rows a dataset whose items are fetched whole

let n_tests = 0
let n_failed = 0
async function statement(name, source, body) {
  let problem
  try {
    problem = await body()
  } catch (e) {
    problem = String(e.stack || e).replaceAll('\n', ' | ')
  }
  n_tests++
  if (problem) {
    n_failed++
    console.log('# ' + problem)
  }
  console.log(`${problem ? 'not ok' : 'ok'} ${n_tests} - ${name} (${source})`)
  return !problem
}
function skip(name, source, reason) {
  n_tests++
  console.log(`ok ${n_tests} - ${name} (${source}) # SKIP ${reason}`)
}

/* ---- what Python does ---- */

// "{chunk_index:03d}" and "{video_key}".
function format(template, fields) {
  return template.replaceAll(/\{(\w+)(?::0(\d+)d)?\}/g, (_, name, digits) => {
    if (!(name in fields)) throw new Error(`KeyError: '${name}' in ${template}`)
    return String(fields[name]).padStart(Number(digits || 0), '0')
  })
}
// round(): halves to even.
function round(x) {
  const low = Math.floor(x)
  const part = x - low
  if (part !== 0.5) return Math.round(x)
  return low % 2 === 0 ? low : low + 1
}
// sorted(dir.glob("*/*.parquet"))
function glob(dir) {
  const found = []
  for (const sub of fs.existsSync(dir) ? fs.readdirSync(dir) : []) {
    const folder = path.join(dir, sub)
    if (!fs.statSync(folder).isDirectory()) continue
    for (const file of fs.readdirSync(folder)) if (file.endsWith('.parquet')) found.push(path.join(folder, file))
  }
  return found.sort()
}
const number = (x) => (typeof x === 'bigint' ? Number(x) : x)
async function open(file) {
  const buffer = await asyncBufferFromFile(file)
  return { file, buffer, metadata: await parquetMetadataAsync(buffer) }
}
const read = (table, options = {}) => parquetReadObjects({ file: table.buffer, metadata: table.metadata, compressors, ...options })
function columns(table) {
  return parquetSchema(table.metadata).children.map((c) => c.element.name)
}
// numpy.array(nested list).shape; throws where numpy would make an object of it.
function shape_of(x) {
  if (!Array.isArray(x)) {
    if (typeof x !== 'number') throw new Error(`not a number: ${JSON.stringify(x)}`)
    return []
  }
  const inner = x.map(shape_of)
  for (const s of inner) if (String(s) !== String(inner[0])) throw new Error(`ragged: ${JSON.stringify(x).slice(0, 80)}`)
  return [x.length, ...(inner[0] || [])]
}

/* ---- MP4: the times at which frames are shown ---- */

function* boxes(bytes, from, to) {
  for (let at = from; at + 8 <= to; ) {
    let size = bytes.readUInt32BE(at)
    let head = 8
    if (size === 1) {
      size = Number(bytes.readBigUInt64BE(at + 8))
      head = 16
    }
    if (size === 0) size = to - at
    if (size < head || at + size > to) throw new Error(`a box at ${at} ends outside its place`)
    yield { type: bytes.toString('latin1', at + 4, at + 8), from: at + head, to: at + size, at }
    at += size
  }
}
function find(bytes, from, to, ...names) {
  for (const box of boxes(bytes, from, to)) {
    if (box.type !== names[0]) continue
    return names.length === 1 ? box : find(bytes, box.from, box.to, ...names.slice(1))
  }
  return null
}
function runs(bytes, box, read_value) {
  const values = []
  const n = bytes.readUInt32BE(box.from + 4)
  for (let i = 0; i < n; i++) {
    const count = bytes.readUInt32BE(box.from + 8 + 8 * i)
    const value = read_value(box.from + 12 + 8 * i)
    for (let k = 0; k < count; k++) values.push(value)
  }
  return values
}
const videos = new Map()
function video(file) {
  if (videos.has(file)) return videos.get(file)
  const bytes = fs.readFileSync(file)
  const moov = find(bytes, 0, bytes.length, 'moov')
  if (!moov) throw new Error(`${file} has no moov`)
  let result
  let at_moov = moov.at
  let at_mdat = find(bytes, 0, bytes.length, 'mdat').at
  for (const trak of boxes(bytes, moov.from, moov.to)) {
    if (trak.type !== 'trak') continue
    const hdlr = find(bytes, trak.from, trak.to, 'mdia', 'hdlr')
    if (bytes.toString('latin1', hdlr.from + 8, hdlr.from + 12) !== 'vide') continue
    const mdhd = find(bytes, trak.from, trak.to, 'mdia', 'mdhd')
    const scale = bytes.readUInt32BE(mdhd.from + (bytes[mdhd.from] === 1 ? 20 : 12))
    const stbl = find(bytes, trak.from, trak.to, 'mdia', 'minf', 'stbl')
    const stts = find(bytes, stbl.from, stbl.to, 'stts')
    const ctts = find(bytes, stbl.from, stbl.to, 'ctts')
    const stss = find(bytes, stbl.from, stbl.to, 'stss')
    const elst = find(bytes, trak.from, trak.to, 'edts', 'elst')
    const steps = runs(bytes, stts, (at) => bytes.readUInt32BE(at))
    const shifts = ctts ? runs(bytes, ctts, (at) => bytes.readInt32BE(at)) : []
    let shift = 0
    if (elst) {
      const is_long = bytes[elst.from] === 1
      shift = is_long ? Number(bytes.readBigInt64BE(elst.from + 16)) : bytes.readInt32BE(elst.from + 12)
    }
    const pts = []
    const order = []
    let dts = 0
    for (let i = 0; i < steps.length; i++) {
      pts.push((dts + (shifts[i] || 0) - shift) / scale)
      order.push(i)
      dts += steps[i]
    }
    const keys = new Set()
    for (let i = 0; stss && i < bytes.readUInt32BE(stss.from + 4); i++) keys.add(bytes.readUInt32BE(stss.from + 8 + 4 * i) - 1)
    const stsd = find(bytes, stbl.from, stbl.to, 'stsd')
    const entry = stsd.from + 8
    result = {
      pts: [...pts].sort((a, b) => a - b),
      key_pts: order.filter((i) => !stss || keys.has(i)).map((i) => pts[i]).sort((a, b) => a - b),
      average_fps: steps.length / (dts / scale),
      codec: bytes.toString('latin1', entry + 4, entry + 8),
      width: bytes.readUInt16BE(entry + 8 + 24),
      height: bytes.readUInt16BE(entry + 8 + 26),
      is_faststart: at_moov < at_mdat,
    }
  }
  if (!result) throw new Error(`${file} has no video track`)
  videos.set(file, result)
  return result
}

/* ---- the loader, in its own order ---- */

let info, tasks, episodes, stats, data
const is_depth = (ft) => Boolean(ft.info?.is_depth_map || ft.info?.['video.is_depth_map'] || ft.video_info?.['video.is_depth_map'])
const keys_of = (...dtypes) => Object.keys(info.features).filter((k) => dtypes.includes(info.features[k].dtype))

await statement('meta/info.json is JSON in UTF-8', 'utils/io_utils.py:35, datasets/io_utils.py:133', () => {
  const bytes = fs.readFileSync(path.join(root, 'meta/info.json'))
  info = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
})
if (!info) {
  console.log(`1..${n_tests}`)
  process.exit(1)
}
await statement('info has the fields without a default, and only known ones', 'datasets/utils.py:166, 230', () => {
  const known = ['codebase_version', 'fps', 'features', 'total_episodes', 'total_frames', 'total_tasks', 'chunks_size',
    'data_files_size_in_mb', 'video_files_size_in_mb', 'data_path', 'video_path', 'robot_type', 'splits', 'tools']
  for (const key of ['codebase_version', 'fps', 'features']) if (!(key in info)) return `no ${key}`
  for (const key of Object.keys(info)) if (!known.includes(key)) return `${key} would be warned of and ignored`
})
await statement('sizes and rate are positive whole numbers', 'datasets/utils.py:198', () => {
  for (const key of ['fps', 'chunks_size', 'data_files_size_in_mb', 'video_files_size_in_mb'])
    if (!Number.isInteger(info[key]) || info[key] <= 0) return `${key} is ${info[key]}`
})
await statement('codebase_version is v3.0', 'datasets/dataset_metadata.py:216, datasets/utils.py:374', () =>
  info.codebase_version === 'v3.0' ? '' : `it is ${info.codebase_version}`)
await statement('every feature has dtype, shape and names, and no / in its name', 'datasets/dataset_metadata.py:485, 490, utils/feature_utils.py:43', () => {
  for (const [key, ft] of Object.entries(info.features)) {
    if (key.includes('/')) return `${key} has a /`
    for (const member of ['dtype', 'shape', 'names']) if (!(member in ft)) return `${key} has no ${member}`
    if (!Array.isArray(ft.shape) || !ft.shape.every((n) => Number.isInteger(n) && n > 0)) return `${key}: shape ${ft.shape}`
  }
})
await statement('the default features are as LeRobot makes them', 'utils/constants.py:90', () => {
  const wanted = { timestamp: 'float32', frame_index: 'int64', episode_index: 'int64', index: 'int64', task_index: 'int64' }
  for (const [key, dtype] of Object.entries(wanted)) {
    const ft = info.features[key]
    if (!ft || ft.dtype !== dtype || String(ft.shape) !== '1' || ft.names !== null) return `${key}: ${JSON.stringify(ft)}`
  }
})
await statement('pictures have three dimensions and three axes’ names', 'utils/feature_utils.py:161', () => {
  for (const key of keys_of('image', 'video')) {
    const ft = info.features[key]
    if (ft.shape.length !== 3 || !Array.isArray(ft.names) || ft.names.length !== 3) return `${key}: ${JSON.stringify(ft)}`
    const at = ft.names.findIndex((n) => n === 'channel' || n === 'channels')
    if (at < 0 || ![1, 3].includes(ft.shape[at])) return `${key} has no axis of 1 or 3 channels`
  }
})

if (info.total_tasks > 0)
  await statement('pandas takes the task texts from the index of tasks.parquet', 'datasets/io_utils.py:185, datasets/dataset_reader.py:377', async () => {
    const table = await open(path.join(root, 'meta/tasks.parquet'))
    const text = table.metadata.key_value_metadata?.find((kv) => kv.key === 'pandas')?.value
    if (!text) return 'no key "pandas": the index would be 0, 1, 2 …'
    const pandas = JSON.parse(text)
    const index = pandas.index_columns?.[0]
    if (typeof index !== 'string' || !columns(table).includes(index)) return `index_columns ${JSON.stringify(pandas.index_columns)}`
    for (const name of columns(table)) {
      const column = pandas.columns.find((c) => c.field_name === name)
      if (!column) return `pandas does not know the column ${name}`
      if (name === index && column.pandas_type !== 'unicode') return `the index is ${column.pandas_type}`
    }
    if (!Array.isArray(pandas.column_indexes)) return 'no column_indexes'
    tasks = (await read(table)).map((row) => ({ task: row[index], task_index: number(row.task_index) }))
    if (tasks.length !== info.total_tasks) return `${tasks.length} rows for ${info.total_tasks} tasks`
    for (const [i, row] of tasks.entries()) {
      if (typeof row.task !== 'string') return `row ${i} has no text`
      if (row.task_index !== i) return `row ${i} is task ${row.task_index}: iloc would take the wrong one`
    }
    if (new Set(tasks.map((t) => t.task)).size !== tasks.length) return 'a text is there twice'
  })

await statement('meta/episodes reads as one table of one schema', 'datasets/io_utils.py:75, 82, 213', async () => {
  const files = glob(path.join(root, 'meta/episodes'))
  if (files.length === 0) return 'no file'
  episodes = []
  let first
  for (const file of files) {
    const table = await open(file)
    const schema = JSON.stringify(table.metadata.schema.slice(1).map((e) => [e.name, e.type, e.repetition_type]))
    if (schema !== (first ??= schema)) return `${file} has another schema`
    const names = columns(table).filter((c) => !c.startsWith('stats/'))
    if (names.length === 0) return 'no columns but statistics'
    episodes.push(...(await read(table, { columns: names })))
  }
  if (episodes.length !== info.total_episodes) return `${episodes.length} rows for ${info.total_episodes} episodes`
})
await statement('episodes have every column that is looked up', 'datasets/dataset_metadata.py:328, 355, datasets/dataset_reader.py:244, 303, datasets/lerobot_dataset.py', () => {
  const wanted = ['episode_index', 'tasks', 'length', 'data/chunk_index', 'data/file_index', 'dataset_from_index', 'dataset_to_index',
    'meta/episodes/chunk_index', 'meta/episodes/file_index']
  for (const key of keys_of('video'))
    for (const name of ['chunk_index', 'file_index', 'from_timestamp', 'to_timestamp']) wanted.push(`videos/${key}/${name}`)
  for (const [i, ep] of episodes.entries())
    for (const name of wanted) if (ep[name] === undefined || ep[name] === null) return `episode ${i} has no ${name}`
})
await statement('row i is episode i, and their ranges join', 'datasets/dataset_reader.py:244, datasets/sampler.py:73', () => {
  let at = 0
  for (const [i, ep] of episodes.entries()) {
    if (number(ep.episode_index) !== i) return `row ${i} is episode ${ep.episode_index}`
    if (number(ep.dataset_from_index) !== at) return `episode ${i} begins at ${ep.dataset_from_index}, not ${at}`
    at = number(ep.dataset_to_index)
    if (at - number(ep.dataset_from_index) !== number(ep.length) || number(ep.length) < 1) return `episode ${i}: length ${ep.length}`
  }
  if (at !== info.total_frames) return `${at} rows for ${info.total_frames} frames`
})
await statement('tasks of an episode are texts of the table', 'datasets/dataset_metadata.py:522', () => {
  const known = new Set(tasks.map((t) => t.task))
  for (const [i, ep] of episodes.entries()) {
    if (!Array.isArray(ep.tasks) || ep.tasks.length === 0) return `episode ${i} has no task`
    for (const task of ep.tasks) if (!known.has(task)) return `episode ${i}: ${task}`
  }
})
await statement('splits name the episodes that are there', 'datasets/dataset_metadata.py:667', () =>
  info.splits?.train === `0:${info.total_episodes}` ? '' : JSON.stringify(info.splits))

await statement('stats.json turns into arrays of numbers', 'datasets/io_utils.py:157, 174', () => {
  stats = JSON.parse(fs.readFileSync(path.join(root, 'meta/stats.json'), 'utf8'))
  for (const [key, ft] of Object.entries(stats)) for (const [stat, x] of Object.entries(ft)) if (shape_of(x).length === 0) return `${key} ${stat}`
})
await statement('statistics have the shapes that normalisation broadcasts', 'datasets/compute_stats.py:546, datasets/factory.py:179', () => {
  for (const [key, ft] of Object.entries(info.features)) {
    if (['string', 'language'].includes(ft.dtype)) continue
    const is_picture = ['image', 'video'].includes(ft.dtype)
    const s = stats[key]
    if (!s) {
      if (is_picture && is_depth(ft)) continue
      return `no statistics of ${key}`
    }
    const wanted = is_picture ? (is_depth(ft) ? '1,1,1' : '3,1,1') : String(ft.shape.at(-1))
    for (const stat of ['min', 'max', 'mean', 'std']) if (String(shape_of(s[stat])) !== wanted) return `${key} ${stat}: ${shape_of(s[stat])}, not ${wanted}`
    for (const stat of ['q01', 'q10', 'q50', 'q90', 'q99']) {
      if (!(stat in s) && is_picture) continue // taken over from a v2 set, which has none
      if (String(shape_of(s[stat])) !== wanted) return `${key} ${stat}: ${shape_of(s[stat])}`
    }
    if (String(shape_of(s.count)) !== '1') return `${key} count: ${shape_of(s.count)}`
  }
})

await statement('features translate to Hugging Face features', 'datasets/feature_utils.py:56', () => {
  const dtypes = ['float32', 'float64', 'int64', 'int32', 'int16', 'int8', 'uint8', 'uint16', 'uint32', 'uint64', 'float16', 'bool', 'string']
  for (const [key, ft] of Object.entries(info.features)) {
    if (['video', 'image', 'language'].includes(ft.dtype)) continue
    if (!dtypes.includes(ft.dtype)) return `${key} is ${ft.dtype}`
    if (ft.shape.length < 1 || ft.shape.length > 5) return `${key} has ${ft.shape.length} dimensions`
  }
})
await statement('the data files hold the features and nothing else', 'datasets/dataset_reader.py:168, 186, datasets/io_utils.py:82', async () => {
  const files = glob(path.join(root, 'data'))
  if (files.length === 0) return 'no file'
  const wanted = Object.keys(info.features).filter((k) => info.features[k].dtype !== 'video').sort()
  const types = { float32: 'FLOAT', float64: 'DOUBLE', int64: 'INT64', int32: 'INT32', bool: 'BOOLEAN', string: 'BYTE_ARRAY' }
  data = []
  for (const file of files) {
    const table = await open(file)
    const names = columns(table).sort()
    if (String(names) !== String(wanted)) return `${file}: ${names}, and the features are ${wanted}`
    for (const leaf of table.metadata.row_groups[0]?.columns ?? []) {
      const name = leaf.meta_data.path_in_schema[0]
      const type = types[info.features[name].dtype]
      if (type && leaf.meta_data.type !== type) return `${name} is ${leaf.meta_data.type}, declared ${info.features[name].dtype}`
      const depth = leaf.meta_data.path_in_schema.filter((p) => p === 'list').length
      const shape = info.features[name].shape
      const is_scalar = shape.length === 1 && shape[0] === 1
      if (type && depth !== (is_scalar || info.features[name].dtype === 'string' ? 0 : shape.length)) return `${name} is ${depth} lists deep for shape ${shape}`
    }
    data.push(table)
  }
})
await statement('one row group an episode, as the recorder writes; more where there are pictures', 'datasets/io_utils.py:295', () => {
  const lengths = data.flatMap((t) => t.metadata.row_groups.map((g) => number(g.num_rows)))
  const wanted = episodes.map((e) => number(e.length))
  if (keys_of('image').length === 0) return String(lengths) === String(wanted) ? '' : `${lengths.length} row groups for ${wanted.length} episodes`
  let at = 0
  const ends = new Set(lengths.map((n) => (at += n)))
  at = 0
  for (const [i, n] of wanted.entries()) if (!ends.has((at += n))) return `a row group goes on behind episode ${i}`
})

// Rows are addressed by their place in all files, one behind the other.
const starts = []
let n_rows = 0
for (const table of data) {
  starts.push(n_rows)
  n_rows += number(table.metadata.num_rows)
}
async function rows_at(from, to) {
  const rows = []
  for (const [i, table] of data.entries()) {
    const first = Math.max(from, starts[i]) - starts[i]
    const last = Math.min(to, starts[i] + number(table.metadata.num_rows)) - starts[i]
    if (first < last) rows.push(...(await read(table, { rowStart: first, rowEnd: last })))
  }
  return rows
}
await statement('there are as many rows as total_frames', 'datasets/dataset_reader.py:156, datasets/lerobot_dataset.py:494', () =>
  n_rows === info.total_frames ? '' : `${n_rows} rows, total_frames ${info.total_frames}`)
const numbering = []
await statement('index, episode_index and frame_index are the row’s place', 'datasets/dataset_reader.py:149, 200, 345', async () => {
  const names = ['index', 'episode_index', 'frame_index', 'timestamp', 'task_index']
  for (const table of data) for (const row of await read(table, { columns: names })) numbering.push(row)
  for (const [i, row] of numbering.entries()) {
    if (number(row.index) !== i) return `row ${i} has index ${row.index}`
    const ep = episodes[number(row.episode_index)]
    if (!ep || i < number(ep.dataset_from_index) || i >= number(ep.dataset_to_index)) return `row ${i} says it is of episode ${row.episode_index}`
    if (number(row.frame_index) !== i - number(ep.dataset_from_index)) return `row ${i} has frame_index ${row.frame_index}`
  }
})
await statement('every episode has rows', 'datasets/dataset_reader.py:200', () => {
  const found = new Set(numbering.map((r) => number(r.episode_index)))
  for (let i = 0; i < info.total_episodes; i++) if (!found.has(i)) return `episode ${i} has none`
})
await statement('timestamps are frame_index / fps', 'datasets/dataset_writer.py:225, datasets/feature_utils.py:200', () => {
  for (const [i, row] of numbering.entries()) {
    const wanted = number(row.frame_index) / info.fps
    if (!(Math.abs(row.timestamp - wanted) <= 1e-6 * (1 + wanted))) return `row ${i}: ${row.timestamp}, not ${wanted}`
  }
})
await statement('a row’s task number finds its text', 'datasets/dataset_reader.py:376', () => {
  for (const [i, row] of numbering.entries()) if (!(number(row.task_index) in tasks)) return `row ${i}: task ${row.task_index} of ${tasks.length}`
})
await statement('the data file of an episode holds its rows', 'datasets/dataset_metadata.py:328', async () => {
  for (const [i, ep] of episodes.entries()) {
    const file = path.join(root, format(info.data_path, { chunk_index: number(ep['data/chunk_index']), file_index: number(ep['data/file_index']) }))
    const at = data.findIndex((t) => t.file === file)
    if (at < 0) return `episode ${i}: ${file} is not there`
    const from = number(ep.dataset_from_index)
    if (from < starts[at] || number(ep.dataset_to_index) > starts[at] + number(data[at].metadata.num_rows)) return `episode ${i} is not in ${file}`
  }
})

// Items fetched whole: first and last rows of some episodes, and rows spread over all.
const picked = new Set()
for (let k = 0; k < ROWS_SAMPLED; k++) picked.add(Math.floor((k * (n_rows - 1)) / (ROWS_SAMPLED - 1)))
for (const i of [0, Math.floor(episodes.length / 2), episodes.length - 1]) {
  picked.add(number(episodes[i].dataset_from_index))
  picked.add(number(episodes[i].dataset_to_index) - 1)
}
await statement('every value of an item becomes a tensor of the declared shape', 'datasets/io_utils.py:282, datasets/dataset_reader.py:344', async () => {
  const count = (x) => (Array.isArray(x) || ArrayBuffer.isView(x) ? Array.from(x).reduce((n, y) => n + count(y), 0) : 1)
  for (const i of picked) {
    const [row] = await rows_at(i, i + 1)
    for (const [key, ft] of Object.entries(info.features)) {
      if (['video', 'image', 'language'].includes(ft.dtype)) continue
      if (row[key] === null || row[key] === undefined) return `row ${i}: ${key} is null`
      if (ft.dtype === 'string') continue
      const wanted = ft.shape.reduce((a, b) => a * b, 1)
      if (count(row[key]) !== wanted) return `row ${i}: ${key} has ${count(row[key])} numbers, not ${wanted}`
    }
  }
})
await statement('pictures in the rows are files that decode to the declared shape', 'datasets/io_utils.py:282', async () => {
  for (const i of keys_of('image').length > 0 ? picked : []) {
    for (const [at, table] of data.entries()) {
      const row = i - starts[at]
      if (row < 0 || row >= number(table.metadata.num_rows)) continue
      const [cells] = await read(table, { rowStart: row, rowEnd: row + 1, columns: keys_of('image'), utf8: false })
      for (const [key, cell] of Object.entries(cells)) {
        const picture = decode(cell.bytes)
        const ft = info.features[key]
        if (String([picture.height, picture.width, picture.channels]) !== String(ft.shape)) return `row ${i}: ${key} is ${picture.height} x ${picture.width} x ${picture.channels}`
        if (picture.bits !== (is_depth(ft) ? 16 : 8)) return `row ${i}: ${key} has ${picture.bits} bits`
      }
    }
  }
})
await statement('windows of time stay inside their episode', 'datasets/dataset_reader.py:247, datasets/feature_utils.py:233', () => {
  for (const step of DELTA_TIMESTAMPS_FRAMES) {
    const delta = step / info.fps
    if (Math.abs(delta * info.fps - round(delta * info.fps)) / info.fps > TOLERANCE_S) return `${delta} s is no multiple of a frame`
    for (const i of picked) {
      const ep = episodes[number(numbering[i].episode_index)]
      const at = Math.max(number(ep.dataset_from_index), Math.min(number(ep.dataset_to_index) - 1, i + round(delta * info.fps)))
      if (number(numbering[at].episode_index) !== number(numbering[i].episode_index)) return `row ${i} + ${step} leads to another episode`
    }
  }
})

const video_keys = keys_of('video')
if (video_keys.length === 0) {
  skip('videos', 'datasets/dataset_reader.py:356', 'the dataset has none')
} else {
  const file_of = (ep, key) =>
    path.join(root, format(info.video_path, { video_key: key, chunk_index: number(ep[`videos/${key}/chunk_index`]), file_index: number(ep[`videos/${key}/file_index`]) }))
  await statement('every episode’s video file is there', 'datasets/dataset_reader.py:213, datasets/dataset_metadata.py:354', () => {
    for (const [i, ep] of episodes.entries()) for (const key of video_keys) if (!fs.existsSync(file_of(ep, key))) return `episode ${i}: ${file_of(ep, key)}`
  })
  await statement('videos are what info.json says of them', 'datasets/video_utils.py:1201', () => {
    const codecs = { avc1: 'h264', avc3: 'h264', hev1: 'hevc', hvc1: 'hevc', av01: 'av1', 'mp4v': 'mpeg4' }
    for (const key of video_keys) {
      const v = video(file_of(episodes[0], key))
      const said = info.features[key].info
      if (!said) return `${key} has no info`
      for (const [name, is] of [['video.height', v.height], ['video.width', v.width], ['video.codec', codecs[v.codec]], ['video.fps', Math.trunc(v.average_fps + 1e-6)]])
        if (said[name] !== is) return `${key}: ${name} is ${said[name]}, the file's ${is}`
      if (typeof said['video.pix_fmt'] !== 'string' || typeof said.has_audio !== 'boolean' || said['video.channels'] === undefined) return `${key}: ${JSON.stringify(said)}`
      const size = ['height', 'width'].map((n) => info.features[key].shape[info.features[key].names.indexOf(n)])
      if (size[0] !== v.height || size[1] !== v.width) return `${key}: shape ${info.features[key].shape}, frames ${v.height} × ${v.width}`
    }
  })
  await statement('torchcodec finds every frame within the tolerance', 'datasets/dataset_reader.py:304, datasets/video_utils.py:387, 401', () => {
    for (const [i, row] of numbering.entries()) {
      const ep = episodes[number(row.episode_index)]
      for (const key of video_keys) {
        const v = video(file_of(ep, key))
        const at = ep[`videos/${key}/from_timestamp`] + row.timestamp
        const frame = round(at * v.average_fps)
        if (!(frame in v.pts)) return `row ${i}: frame ${frame} of ${v.pts.length}`
        const distance = Math.abs(Math.fround(Math.fround(at) - Math.fround(v.pts[frame])))
        if (!(distance <= TOLERANCE_S)) return `row ${i} of ${key}: asked for ${at} s, frame ${frame} is at ${v.pts[frame]} s`
        if (frame !== round(ep[`videos/${key}/from_timestamp`] * info.fps) + number(row.frame_index)) return `row ${i} of ${key} gets frame ${frame}`
      }
    }
  })
  await statement('PyAV finds every frame behind a key frame', 'datasets/video_utils.py:157, 190', () => {
    for (const i of picked) {
      const row = numbering[i]
      const ep = episodes[number(row.episode_index)]
      for (const key of video_keys) {
        const v = video(file_of(ep, key))
        const at = ep[`videos/${key}/from_timestamp`] + row.timestamp
        if (!(v.key_pts[0] <= at)) return `row ${i} of ${key}: no key frame before ${at} s`
        const nearest = v.pts.reduce((a, b) => (Math.abs(b - at) < Math.abs(a - at) ? b : a))
        if (!(Math.abs(Math.fround(Math.fround(at) - Math.fround(nearest))) <= TOLERANCE_S)) return `row ${i} of ${key}: nearest frame at ${nearest} s for ${at} s`
      }
    }
  })
  await statement('time ranges of episodes in a file join', 'datasets/dataset_writer.py:547, 580', () => {
    for (const key of video_keys) {
      let last_file, at
      for (const [i, ep] of episodes.entries()) {
        const file = file_of(ep, key)
        const from = ep[`videos/${key}/from_timestamp`]
        const to = ep[`videos/${key}/to_timestamp`]
        if (Math.abs(from - (file === last_file ? at : 0)) > 1e-9) return `episode ${i} of ${key} begins at ${from} s`
        if (Math.abs(to - from - number(ep.length) / info.fps) > 1e-6) return `episode ${i} of ${key} lasts ${to - from} s for ${ep.length} frames`
        last_file = file
        at = to
      }
    }
  })
  await statement('the index stands in front, as concatenating leaves it', 'datasets/video_utils.py:717', () => {
    for (const [file, v] of videos) if (!v.is_faststart) return `${file}: moov is behind mdat`
  })
}

console.log(`1..${n_tests}`)
process.exit(n_failed > 0 ? 1 : 0)
