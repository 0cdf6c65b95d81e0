// Makes the small files of other writers in tests/fuzz/seeds/parquet, which tests and fuzzing begin
// from. They are kept in the tree; this says where they came from and makes them anew.
//
//   node parquet_seeds.mjs FOLDER
import fs from 'node:fs'
import { DuckDBInstance } from '@duckdb/node-api'
import { parquetWriteFile } from 'hyparquet-writer'

const folder = process.argv[2]
fs.mkdirSync(folder, { recursive: true })
const db = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()
await db.run(`create table t as select
  case when i % 7 = 3 then null else i * i * 1000003 - 17 end::bigint as i64,
  case when i % 5 = 1 then null else (i * 37) % 100 - 50 end::integer as i32,
  case when i % 9 = 2 then null else i * 0.25 - 3 end::float as f,
  case when i % 11 = 4 then null else i * 0.125 end::double as d,
  case when i % 13 = 5 then null else i % 3 = 0 end as b,
  case when i % 4 = 0 then null else 'item ' || (i % 6) end as s,
  'row number ' || i as u,
  case when i % 8 = 6 then null else list_transform(range(i % 5), k -> (i + k * 0.5)::float) end as l,
  case when i % 10 = 9 then null
       else list_transform(range(i % 4), k -> {'role': 'r' || k, 'n': (i * k)::bigint}) end as m
  from range(60) t(i)`)
for (const [codec, version] of [['uncompressed', 'V2'], ['snappy', 'V1'], ['snappy', 'V2'], ['gzip', 'V2'], ['zstd', 'V2'], ['lz4_raw', 'V2'], ['brotli', 'V1']])
  await db.run(`copy t to '${folder}/duckdb-${codec}-${version}.parquet' (format parquet, compression ${codec}, parquet_version ${version})`)

const numbers = Array.from({ length: 60 }, (_, i) => i)
const columns = {
  i64: { type: 'INT64', data: numbers.map(i => (i % 7 === 3 ? null : BigInt(i) * BigInt(i) * 1000003n - 17n)) },
  i32: { type: 'INT32', data: numbers.map(i => (i % 5 === 1 ? null : ((i * 37) % 100) - 50)) },
  f: { type: 'FLOAT', data: numbers.map(i => (i % 9 === 2 ? null : i * 0.25 - 3)) },
  d: { type: 'DOUBLE', data: numbers.map(i => (i % 11 === 4 ? null : i * 0.125)) },
  b: { type: 'BOOLEAN', data: numbers.map(i => (i % 13 === 5 ? null : i % 3 === 0)) },
  s: { type: 'STRING', data: numbers.map(i => (i % 4 === 0 ? null : 'item ' + (i % 6))) },
  u: { type: 'STRING', data: numbers.map(i => 'row number ' + i) },
}
const write = (name, encodings, codec) =>
  parquetWriteFile({
    filename: `${folder}/hyparquet-${name}.parquet`, codec, pageSize: 100, rowGroupSize: 30,
    columnData: Object.keys(columns).map(k => ({ name: k, ...columns[k], encoding: encodings[k], columnIndex: true, bloomFilter: k === 'i64' })),
  })
write('plain', { i64: 'PLAIN', i32: 'PLAIN', f: 'PLAIN', d: 'PLAIN', b: 'PLAIN', s: 'PLAIN', u: 'PLAIN' }, 'UNCOMPRESSED')
write('delta', { i64: 'DELTA_BINARY_PACKED', i32: 'DELTA_BINARY_PACKED', f: 'BYTE_STREAM_SPLIT', d: 'BYTE_STREAM_SPLIT', b: 'RLE', s: 'DELTA_LENGTH_BYTE_ARRAY', u: 'DELTA_BYTE_ARRAY' }, 'SNAPPY')
write('split', { i64: 'BYTE_STREAM_SPLIT', i32: 'BYTE_STREAM_SPLIT', f: 'BYTE_STREAM_SPLIT', d: 'BYTE_STREAM_SPLIT', b: 'RLE', s: 'DELTA_BYTE_ARRAY', u: 'DELTA_LENGTH_BYTE_ARRAY' }, 'UNCOMPRESSED')
