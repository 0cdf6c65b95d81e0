// Parquet, ours and others': hyparquet and DuckDB read what Étude writes, and Étude reads what DuckDB
// and hyparquet-writer write. Prints TAP.
//
//   node parquet.mjs PARQUET_SAMPLE FOLDER
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { DuckDBInstance } from '@duckdb/node-api'
import { parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { parquetWriteFile } from 'hyparquet-writer'

const [program, folder] = process.argv.slice(2)
fs.mkdirSync(folder, { recursive: true })
const run = (...args) =>
  execFileSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 30, stdio: ['ignore', 'pipe', 'pipe'] })

let n_tests = 0
let n_failed = 0
function result(name, problem) {
  n_tests++
  if (problem) {
    n_failed++
    console.log('# ' + problem)
  }
  console.log(`${problem ? 'not ok' : 'ok'} ${n_tests} - ${name}`)
}
async function test(name, body) {
  try {
    result(name, await body())
  } catch (e) {
    result(name, String(e.stderr || e.stack || e).replaceAll('\n', ' | '))
  }
}

// One form for what four programs say: 64-bit integers as text, NaN and infinities as text.
function canonical(x) {
  if (x === undefined || x === null) return null
  if (typeof x === 'bigint') return String(x)
  if (typeof x === 'number') return Number.isFinite(x) ? (x === 0 ? 0 : x) : String(x)
  if (Array.isArray(x) || ArrayBuffer.isView(x)) return Array.from(x, canonical)
  if (typeof x === 'object') return Object.fromEntries(Object.entries(x).map(([k, v]) => [k, canonical(v)]))
  return x
}

// Where two values differ first, as a path; empty when they do not.
function difference(a, b, path = '') {
  if (a === b) return ''
  if (Array.isArray(a) && Array.isArray(b) && a.length === b.length) {
    for (let i = 0; i < a.length; i++) {
      const d = difference(a[i], b[i], `${path}[${i}]`)
      if (d) return d
    }
    return ''
  }
  if (a && b && typeof a === 'object' && typeof b === 'object' && !Array.isArray(a) && !Array.isArray(b)) {
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
      const d = difference(a[key], b[key], `${path}.${key}`)
      if (d) return d
    }
    return ''
  }
  return `${path}: ${JSON.stringify(a)} is not ${JSON.stringify(b)}`
}

const db = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()
const sql = async text => (await db.runAndReadAll(text)).getRowObjectsJson()

async function hyparquet_rows(path) {
  const b = fs.readFileSync(path)
  const file = b.buffer.slice(b.byteOffset, b.byteOffset + b.length)
  return (await parquetReadObjects({ file, compressors })).map(canonical)
}

// ---- what Étude writes ----

const expected = run('write', folder).trimEnd().split('\n').map(line => canonical(JSON.parse(line)))
for (const name of fs.readdirSync(folder).filter(f => f.endsWith('.parquet')).sort()) {
  const path = `${folder}/${name}`
  const want = name.startsWith('no-') ? [] : expected
  await test(`hyparquet reads ${name} as it was written`, async () => difference(await hyparquet_rows(path), want))
  await test(`DuckDB reads ${name} as it was written`, async () =>
    difference((await sql(`select * from '${path}'`)).map(canonical), want))
}
await test('DuckDB finds by statistics what it finds without', async () => {
  const path = `${folder}/snappy-pages.parquet`
  for (const [column, bound] of [['"index"', 150], ['"timestamp"', 1.5], ['"large"', 1000], ['"task"', "'pick up'"]]) {
    const all = expected.filter(r => {
      const v = r[column.replaceAll('"', '')]
      if (v === null) return false
      if (typeof bound === 'string') return Buffer.compare(Buffer.from(v), Buffer.from(bound.slice(1, -1))) > 0
      return v === 'NaN' || Number(v) > bound // DuckDB orders NaN last
    }).length
    const got = Number((await sql(`select count(*) n from '${path}' where ${column} > ${bound}`))[0].n)
    if (got !== all) return `${column} > ${bound}: ${got} rows, not ${all}`
  }
})
await test('DuckDB sees the row groups, their codec and who wrote them', async () => {
  const path = `${folder}/zstd.parquet`
  const [groups] = await sql(`select num_row_groups n, created_by c from parquet_file_metadata('${path}')`)
  const codecs = await sql(`select distinct compression c from parquet_metadata('${path}')`)
  if (Number(groups.n) !== 3 || !groups.c.startsWith('etude version ')) return JSON.stringify(groups)
  if (codecs.length !== 1 || codecs[0].c !== 'ZSTD') return JSON.stringify(codecs)
})

// ---- what others write ----

// A row's value as Dremel's levels: `shape` is 'leaf', ['list', shape] or {name: shape}, each optional.
function shred(shape, value, rep, def, depth, out, path) {
  const leaves = (s, p) =>
    s === 'leaf' ? [p]
    : Array.isArray(s) ? leaves(s[1], p + '/list/element')
    : Object.entries(s).flatMap(([k, v]) => leaves(v, `${p}/${k}`))
  const put = (p, v, d) => {
    out[p] ??= { rep: '', def: '', values: [] }
    out[p].rep += rep
    out[p].def += d
    if (v !== undefined) out[p].values.push(v)
  }
  if (value === null || value === undefined) return leaves(shape, path).forEach(p => put(p, undefined, def))
  if (shape === 'leaf') return put(path, value, def + 1)
  if (!Array.isArray(shape)) {
    for (const [k, s] of Object.entries(shape)) shred(s, value[k], rep, def + 1, depth, out, `${path}/${k}`)
    return
  }
  if (value.length === 0) return leaves(shape, path).forEach(p => put(p, undefined, def + 1))
  value.forEach((v, i) => shred(shape[1], v, i ? depth + 1 : rep, def + 2, depth + 1, out, path + '/list/element'))
}

const hex = text => Buffer.from(text, 'utf8').toString('hex')

// Compares what Étude prints of a file with the rows that were put into it.
function compare(path, rows, shapes, texts) {
  const want = {}
  for (const [name, shape] of Object.entries(shapes))
    for (const row of rows) shred(shape, canonical(row[name]), 0, 0, 0, want, name)
  for (const line of run('read', path).trimEnd().split('\n')) {
    const got = JSON.parse(line)
    if (got.rows !== rows.length) return `${got.path}: ${got.rows} rows, not ${rows.length}`
    // hyparquet-writer may name the levels of a list otherwise; their order is the same.
    const w = want[got.path] ?? want[Object.keys(want).find(k => k.split('/')[0] === got.path.split('/')[0])]
    if (!w) continue
    const is_text = got.type === 6
    const values = is_text ? w.values.map(v => hex(v)) : w.values
    if (got.def !== '' && got.def !== w.def) return `${got.path}: definition levels differ`
    if (got.rep !== '' && got.rep !== w.rep) return `${got.path}: repetition levels differ`
    const d = difference(canonical(got.values), values)
    if (d) return `${got.path}${d}`
  }
}

await db.run(`create table t as select
  case when i % 7 = 3 then null else i * i * 1000003 - 17 end::bigint as i64,
  case when i % 5 = 1 then null else (i * 37) % 1000 - 500 end::integer as i32,
  case when i % 9 = 2 then null else i * 0.25 - 3 end::float as f,
  case when i % 11 = 4 then null else sqrt(i) end::double as d,
  case when i % 13 = 5 then null else i % 3 = 0 end as b,
  case when i % 4 = 0 then null else 'item ' || (i % 6) end as s,
  'row number ' || i || repeat('x', (i % 40)::integer) as u,
  case when i % 8 = 6 then null else list_transform(range(i % 5), k -> (i + k * 0.5)::float) end as l,
  case when i % 6 = 5 then null
       else list_transform(range(i % 3), a -> list_transform(range(a + 1), b -> [(i + a)::double, b::double])) end as ll,
  case when i % 10 = 9 then null
       else list_transform(range(i % 4), k -> {'role': 'r' || k, 'n': (i * k)::bigint}) end as m,
  list_transform(range(i % 3), k -> 'text ' || (i * k)) as ls
  from range(5000) t(i)`)
const shapes = {
  i64: 'leaf', i32: 'leaf', f: 'leaf', d: 'leaf', b: 'leaf', s: 'leaf', u: 'leaf', l: ['list', 'leaf'],
  ll: ['list', ['list', ['list', 'leaf']]], m: ['list', { role: 'leaf', n: 'leaf' }], ls: ['list', 'leaf'],
}
const rows = await sql('select * from t')
for (const codec of ['uncompressed', 'snappy', 'gzip', 'zstd', 'lz4_raw']) {
  for (const version of ['V1', 'V2']) {
    const path = `${folder}/duckdb-${codec}-${version}.parquet`
    await db.run(`copy t to '${path}' (format parquet, compression ${codec}, parquet_version ${version}, row_group_size 2048)`)
    const encodings = (await sql(`select distinct encodings e from parquet_metadata('${path}')`)).map(r => r.e)
    await test(`Étude reads what DuckDB writes with ${codec}, ${version}: ${encodings.sort().join(' | ')}`, () =>
      compare(path, rows, shapes))
  }
}
await test('Étude names a codec that it does not read', async () => {
  const path = `${folder}/duckdb-brotli.parquet`
  await db.run(`copy t to '${path}' (format parquet, compression brotli)`)
  try {
    run('read', path)
  } catch (e) {
    return e.stderr.includes('brotli') ? '' : e.stderr
  }
  return 'it was read'
})
await test('Étude reads types that it does not know as what they are stored in', async () => {
  const path = `${folder}/duckdb-types.parquet`
  await db.run(`copy (select i::tinyint a, i::ubigint b, (i / 8)::decimal(9, 2) c, (i / 8)::decimal(38, 4) d,
    date '2026-01-01' + i::integer e, timestamp '2026-01-01' + interval (i) minute f, uuid() g, 'x'::blob h,
    map {'k': i} m, interval (i) day n from range(100) t(i)) to '${path}' (format parquet)`)
  const lines = run('read', path).trimEnd().split('\n').map(JSON.parse)
  const bad = lines.find(l => l.rows !== 100)
  return bad ? JSON.stringify(bad).slice(0, 200) : lines.length === 11 ? '' : `${lines.length} columns`
})

// hyparquet-writer: pages of version 2, and encodings by choice.
const numbers = Array.from({ length: 3000 }, (_, i) => i)
const columns = {
  i64: { type: 'INT64', data: numbers.map(i => (i % 7 === 3 ? null : BigInt(i) * 1000003n * (i % 2 ? -1n : 1n))) },
  i32: { type: 'INT32', data: numbers.map(i => (i % 5 === 1 ? null : ((i * 37) % 1000) - 500)) },
  f: { type: 'FLOAT', data: numbers.map(i => (i % 9 === 2 ? null : i * 0.25 - 3)) },
  d: { type: 'DOUBLE', data: numbers.map(i => (i % 11 === 4 ? null : Math.sqrt(i))) },
  b: { type: 'BOOLEAN', data: numbers.map(i => (i % 13 === 5 ? null : i % 3 === 0)) },
  s: { type: 'STRING', data: numbers.map(i => (i % 4 === 0 ? null : 'prefix of text ' + Math.floor(i / 3))) },
}
const flat = Object.fromEntries(Object.keys(columns).map(k => [k, 'leaf']))
const cases = [
  ['PLAIN', ['i64', 'i32', 'f', 'd', 'b', 's']],
  ['RLE', ['b']],
  ['RLE_DICTIONARY', ['i64', 'i32', 's']],
  ['DELTA_BINARY_PACKED', ['i64', 'i32']],
  ['DELTA_LENGTH_BYTE_ARRAY', ['s']],
  ['DELTA_BYTE_ARRAY', ['s']],
  ['BYTE_STREAM_SPLIT', ['i64', 'i32', 'f', 'd']],
]
for (const codec of ['UNCOMPRESSED', 'SNAPPY']) {
  for (const [encoding, names] of cases) {
    await test(`Étude reads what hyparquet-writer writes as ${encoding}, ${codec}, in pages of version 2`, () => {
      const path = `${folder}/hyparquet-${encoding}-${codec}.parquet`
      parquetWriteFile({
        filename: path, codec, pageSize: 2000, rowGroupSize: 1000,
        columnData: names.map(name => ({
          name, ...columns[name], encoding: encoding === 'RLE_DICTIONARY' ? undefined : encoding,
          columnIndex: true, offsetIndex: true, bloomFilter: name === 'i64',
        })),
      })
      return compare(path, numbers.map(i => Object.fromEntries(names.map(n => [n, columns[n].data[i]]))), flat)
    })
  }
}

// Files of others, opened to write on, killed, and cut back: what is left reads as before.
for (const [kind, path] of [['DuckDB', `${folder}/duckdb-zstd-V2.parquet`], ['hyparquet-writer', `${folder}/hyparquet-PLAIN-SNAPPY.parquet`]]) {
  for (const n_groups of [99, 2, 1, 0]) {
    await test(`DuckDB and hyparquet read a file of ${kind} of which Étude kept ${n_groups} row groups`, async () => {
      const copy = `${folder}/kept.parquet`
      fs.copyFileSync(path, copy)
      const sizes = (await sql(`select distinct row_group_id g, row_group_num_rows n from parquet_metadata('${path}') order by g`)).map(r => Number(r.n))
      const n_kept = Number(run('keep', copy, String(n_groups)))
      if (n_kept !== Math.min(n_groups, sizes.length)) return `${n_kept} row groups were kept`
      const n_rows = sizes.slice(0, n_kept).reduce((a, b) => a + b, 0)
      const want = (await sql(`select * from '${path}' limit ${n_rows}`)).map(canonical)
      return (
        difference((await sql(`select * from '${copy}'`)).map(canonical), want) ||
        difference(await hyparquet_rows(copy), want)
      )
    })
  }
}

console.log(`1..${n_tests}`)
process.exit(n_failed ? 1 : 0)
