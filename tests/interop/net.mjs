// Node's HTTP and the WebSockets of `ws` speak with Étude's, plain and over TLS, as server and as client:
// net.mjs PROGRAM FOLDER
import { execFile, spawn } from 'node:child_process'
import fs from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import path from 'node:path'
import { promisify } from 'node:util'
import { WebSocket, WebSocketServer } from 'ws'

const [program, folder] = process.argv.slice(2)
let n_tests = 0
function result(name, is_good, remark) {
  if (remark !== undefined) console.log(`# ${remark}`)
  console.log(`${is_good ? 'ok' : 'not ok'} ${++n_tests} - ${name}`)
}

const www = path.join(folder, 'www')
const tls = path.join(folder, 'tls')
fs.mkdirSync(www, { recursive: true })
const bytes = Buffer.alloc(3000000, (_, i) => i)
for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 31) >> 3
fs.writeFileSync(path.join(www, 'file.bin'), bytes)

const server = spawn(program, ['serve', www, tls], { stdio: ['pipe', 'pipe', 'inherit'] })
const [plain, secret] = await new Promise((done) => server.stdout.once('data', (d) => done(String(d).trim().split(' '))))
const ca = fs.readFileSync(path.join(tls, 'cert.pem'))

function ask(module, url, options, body) {
  return new Promise((done, failed) => {
    const request = module.request(url, { ca, ...options }, (answer) => {
      const parts = []
      answer.on('data', (part) => parts.push(part))
      answer.on('end', () => done({ code: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts) }))
    })
    request.on('error', failed)
    if (body) for (let at = 0; at < body.length; at += 100000) request.write(body.subarray(at, at + 100000))
    request.end()
  })
}

function echo(url) {
  return new Promise((done) => {
    const got = []
    const ws = new WebSocket(url, ['other', 'echo'], { ca })
    ws.on('open', () => {
      ws.ping('alive')
      ws.send('grüße')
      ws.send(bytes.subarray(0, 70000), { fin: false })
      ws.send(bytes.subarray(70000), { fin: true })
    })
    ws.on('pong', (data) => got.push(String(data)))
    ws.on('message', (data, is_binary) => {
      got.push(is_binary ? bytes.equals(data) : String(data))
      if (is_binary) ws.close(4002, 'enough')
    })
    ws.on('close', (code) => done([ws.protocol, ...got, code].join(' ')))
    ws.on('error', (error) => done(String(error)))
  })
}

for (const [name, module, address, scheme] of [['plain', http, plain, ''], ['TLS', https, secret, 's']]) {
  const url = `http${scheme}://${address}`
  const agent = new module.Agent({ keepAlive: true, maxSockets: 1 })
  const whole = await ask(module, `${url}/file.bin`, { agent })
  result(`${name}: node gets a file`, whole.code === 200 && whole.body.equals(bytes))
  const known = await ask(module, `${url}/file.bin`, { agent, headers: { 'If-None-Match': whole.headers.etag } })
  result(`${name}: a known file is not sent again`, known.code === 304 && known.body.length === 0)
  const part = await ask(module, `${url}/file.bin`, { agent, headers: { Range: 'bytes=1000-1999' } })
  result(`${name}: node gets a part`, part.code === 206 && part.body.equals(bytes.subarray(1000, 2000)))
  const posted = await ask(module, `${url}/echo`, { agent, method: 'POST' }, bytes)
  result(`${name}: a chunked body comes back`, posted.code === 200 && posted.body.equals(bytes))
  agent.destroy()
  const said = await echo(`ws${scheme}://${address}/live`)
  result(`${name}: ws is echoed, in pieces too`, said === 'echo alive grüße true 4002', said)
}
server.stdin.end()

const echoes = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: true })
echoes.on('connection', (ws) => ws.on('message', (data, binary) => ws.send(data, { binary })))
await new Promise((done) => echoes.once('listening', done))
const { stdout } = await promisify(execFile)(program, ['call', `ws://127.0.0.1:${echoes.address().port}/`])
result('our client is echoed by ws', stdout.startsWith('same 4001'), stdout.trim())
echoes.close()
console.log(`1..${n_tests}`)
