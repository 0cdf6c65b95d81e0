// DuckDB beside bench_parquet: the same file, read into a table and written again, on one thread.
//
//   ETUDE_BENCH_KEEP=joints.parquet bench_parquet && node bench/parquet_duckdb.mjs joints.parquet
import fs from 'node:fs'
import { createRequire } from 'node:module'
const require = createRequire(new URL('../tests/interop/package.json', import.meta.url))
const { DuckDBInstance } = require('@duckdb/node-api')

const [path, n_runs = '5'] = process.argv.slice(2)
const out = `${path}.copy.parquet`
const db = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()

const median = values => values.sort((a, b) => a - b)[values.length >> 1]
async function measure(name, sql, before) {
  const times = []
  for (let i = 0; i < Number(n_runs); i++) {
    if (before) await db.run(before)
    const start = process.cpuUsage()
    await db.run(sql)
    const { user, system } = process.cpuUsage(start)
    times.push((user + system) * 1e-6)
  }
  console.log(`${name.padEnd(44)} ${median(times).toPrecision(4).padStart(12)} CPU s`)
}

await measure('DuckDB: read into a table', `create table t as select * from '${path}'`, 'drop table if exists t')
const copy = `copy t to '${out}' (format parquet, compression snappy, row_group_size 1000000)`
await measure('DuckDB: write', copy)
console.log(`${'DuckDB: file'.padEnd(44)} ${(fs.statSync(out).size * 1e-6).toPrecision(4).padStart(12)} MB`)
await measure('DuckDB: read what DuckDB wrote', `create table t2 as select * from '${out}'`, 'drop table if exists t2')
fs.unlinkSync(out)
