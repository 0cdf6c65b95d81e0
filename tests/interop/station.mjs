// A whole station: two robots of different makers over DDS, a headset in Chromium, a gamepad, and the
// virtual robot, which the headset's poses drive through a skill. One run; its recording becomes a
// dataset. Prints TAP.
//
//   node station.mjs ETUDE FOLDER CHROMIUM DDS_SIM OPERATOR_PROGRAM
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { frames_of_their_own, freePort, plan, sleep, test, until as wait } from './support.mjs'

const [etude, folder, browserPath, dds_sim, operator] = process.argv.slice(2)
const here = path.dirname(fileURLToPath(import.meta.url))
const HZ = 84, SKILL = 'press_button', SEED = 3, DOMAIN = 100 + process.pid % 100
fs.rmSync(folder, { recursive: true, force: true })
fs.mkdirSync(folder, { recursive: true })

const until = (what, isSo, ms = 60000) => wait(what, isSo, () => `the recorder said: ${said}`, ms)

// ---- what there is ----

// How hands have to move: the trainer's own way, as somebody at the robot's place would go it.
const steps = JSON.parse(execFileSync(operator, [SKILL, String(SEED)], { maxBuffer: 1 << 26 }))

const robots = spawn(dds_sim, [String(DOMAIN)], { stdio: ['pipe', 'ignore', 'inherit'] })
robots.stdin.write(`robot 0
robot 1
writer 0 0 joints rt/a/joint_states reliable
writer 1 1 low_state rt/lowstate
wait 0 1
wait 1 1
rate 500 600
`)

const pad = `${folder}/pad`
execFileSync('mkfifo', [pad])
const port = await freePort()
const url = `http://127.0.0.1:${port}/`
// Chromium draws in software here: on two busy processors its frames stall for up to 0.3 s, and beside
// the robot's cameras for longer. Hence the long watchdog, and no cameras.
fs.writeFileSync(`${folder}/station.yaml`, `station: kitchen-1
robot: {model: etude-one, serial: E1}
trainer: t07
skill: ${SKILL}
instruction: press the red button
sources:
  makers: {kind: dds, domain: ${DOMAIN}, interface: lo}
  headset: {kind: webxr, listen: "127.0.0.1:${port}"}
  pad: {kind: gamepad, device: ${pad}, mark: {start: start}}
  robot: {kind: world, skill: ${SKILL}, seed: ${SEED}, operator: headset, cameras: false, teleop: {watchdog_ms: 1500}}
`)
const recorder = spawn(etude, ['record', '--station', `${folder}/station.yaml`, '-o', `${folder}/recordings`],
  { stdio: ['ignore', 'pipe', 'pipe'] })
process.on('exit', () => { recorder.kill(); robots.kill() })
let said = ''
for (const stream of [recorder.stdout, recorder.stderr]) stream.on('data', d => { said += d })
const ended = new Promise(resolve => recorder.on('close', resolve))
const pressed = fs.createWriteStream(pad)
await until('the server listens', () => said.includes(url))

function press(code) {
  const report = (type, c, value) => {
    const b = Buffer.alloc(24)
    const us = BigInt(Math.round(performance.now() * 1000))
    b.writeBigInt64LE(us / 1000000n, 0)
    b.writeBigInt64LE(us % 1000000n, 8)
    b.writeUInt16LE(type, 16)
    b.writeUInt16LE(c, 18)
    b.writeInt32LE(value, 20)
    return b
  }
  pressed.write(Buffer.concat([report(1, code, 1), report(0, 0, 0), report(1, code, 0), report(0, 0, 0)]))
}

// ---- the person ----

// Robot's axes to WebXR's: x front, y left, z up -> x right, y up, z back.
const place = s => [-s[1], s[2], -s[0]]
const turn = s => [-s[4], s[5], -s[3], s[6]]
const path_of = steps.map(s => [0, 8].map(k => ({ p: place(s.slice(k)), q: turn(s.slice(k)), grip: s[k + 7] })))

const browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox', '--enable-unsafe-swiftshader'] })
const page = await browser.newPage()
await page.addInitScript(frames_of_their_own, HZ)
await page.addInitScript({ path: `${here}/node_modules/iwer/build/iwer.min.js` })
// The page sends where a controller is gripped, which is beside where the emulator puts it.
await page.addInitScript(() => {
  const send = WebSocket.prototype.send
  WebSocket.prototype.send = function (data) {
    const v = ArrayBuffer.isView(data) ? new DataView(data.buffer, data.byteOffset, data.byteLength) : data instanceof ArrayBuffer ? new DataView(data) : null
    if (v && v.byteLength > 100 && v.getUint8(0) === 1) window.sent = v.buffer.slice(v.byteOffset, v.byteOffset + v.byteLength)
    return send.call(this, data)
  }
  const mul = (a, b) => [a[3] * b[0] + a[0] * b[3] + a[1] * b[2] - a[2] * b[1], a[3] * b[1] - a[0] * b[2] + a[1] * b[3] + a[2] * b[0],
    a[3] * b[2] + a[0] * b[1] - a[1] * b[0] + a[2] * b[3], a[3] * b[3] - a[0] * b[0] - a[1] * b[1] - a[2] * b[2]]
  const conj = q => [-q[0], -q[1], -q[2], q[3]]
  const rotate = (q, p) => mul(mul(q, [...p, 0]), conj(q)).slice(0, 3)
  const times = (a, b) => ({ p: rotate(a.q, b.p).map((x, i) => x + a.p[i]), q: mul(a.q, b.q) })
  const inverse = a => ({ p: rotate(conj(a.q), a.p).map(x => -x), q: conj(a.q) })
  window.learnGrips = hands => { // hands: where the controllers were put
    const v = new DataView(window.sent)
    let at = 60 // doc/format-webxr.md: behind the head
    window.grips = hands.map(h => {
      const f = k => v.getFloat32(at + 4 + 4 * k, true)
      const grip = { p: [f(0), f(1), f(2)], q: [f(3), f(4), f(5), f(6)] }
      at += 36 + 4 * (v.getUint8(at + 2) + v.getUint8(at + 3))
      return times(inverse(h), grip)
    })
  }
  window.byGrip = (hand, i) => window.grips ? { ...times(hand, inverse(window.grips[i])), grip: hand.grip } : hand
})
await page.addInitScript(() => {
  window.headset = new IWER.XRDevice(IWER.metaQuest3)
  headset.installRuntime({ forceInstall: true })
  window.put = (hands, is_clutched) => ['left', 'right'].forEach((side, i) => {
    const c = headset.controllers[side], at = byGrip(hands[i], i)
    c.position.set(...at.p)
    c.quaternion.set(...at.q)
    c.updateButtonValue('trigger', Math.min(1, Math.max(0, hands[i].grip)))
    c.updateButtonValue('squeeze', is_clutched ? 1 : 0)
  })
})
await page.goto(url)
const text = id => page.textContent('#' + id)

await test('a headset drives the virtual robot through a skill, and its success is seen', async () => {
  await until('it may enter', () => page.isEnabled('#enter'))
  await page.evaluate(() => { headset.position.set(0, 1.6, 0); headset.quaternion.set(0, 0, 0, 1) })
  await page.evaluate(h => put(h, false), path_of[0])
  await page.click('#enter')
  await until('frames arrive', async () => parseInt(await text('rate')) > HZ / 2)
  await page.evaluate(h => learnGrips(h), path_of[0])
  await page.evaluate(h => put(h, false), path_of[0])
  press(0x13b)
  await until('it records', async () => (await text('recording')).startsWith('recording'))
  await sleep(500)
  if ((await text('deadman')) !== 'released') return `the page says of the switch: ${await text('deadman')}`
  const during = await page.evaluate(async way => {
    put(way[0], true)
    await new Promise(resolve => setTimeout(resolve, 300))
    const begin = performance.now(), shown = () => document.getElementById('deadman').textContent
    let during = ''
    for (;;) { // at two thirds of the trainer's pace: smoothing and speed limits take their time
      const i = Math.floor((performance.now() - begin) / 15)
      if (i >= way.length) break
      put(way[i], true)
      if (i > way.length / 2) during ||= shown() // before the end, which puts all back
      await new Promise(resolve => setTimeout(resolve, 8))
    }
    await new Promise(resolve => setTimeout(resolve, 500))
    put(way.at(-1), false)
    return during
  }, path_of)
  await until('it ended well', async () => (await text('done')).startsWith('1 · 1'), 15000)
  if (during !== 'held') return `while it was held the page said of the switch: ${during}`
  await until('the switch is shown to be released', async () => (await text('deadman')) === 'released')
})
await sleep(500)
await browser.close()
recorder.kill('SIGINT')
await ended
robots.kill()

// ---- what became of it ----

const run = (...args) => {
  const { status, stdout, stderr } = spawnSync(etude, args, { encoding: 'utf8', maxBuffer: 1 << 26 })
  if (status !== 0) throw new Error(`etude ${args.join(' ')}: ${status}: ${stderr}${stdout}`)
  return stdout
}
const file = fs.readdirSync(`${folder}/recordings`).filter(f => f.endsWith('.mcap')).sort()[0]
await test('all of them are in one recording, at their rates', async () => {
  const info = JSON.parse(run('info', `${folder}/recordings/${file}`, '--json'))
  const seconds = (info.end_ns - info.start_ns) / 1e9
  const rate = topic => (info.topics.find(t => t.topic === topic)?.messages ?? 0) / seconds
  console.log(`# ${seconds.toFixed(1)} s; ` + ['/a/joint_states', '/lowstate', '/headset/head', '/joint_states']
    .map(t => `${t} ${rate(t).toFixed(0)}/s`).join(', '))
  for (const t of ['/a/joint_states', '/lowstate', '/joint_states'])
    if (rate(t) < 440) return `${t}: ${rate(t)}`
  if (rate('/headset/head') < 60) return `the headset: ${rate('/headset/head')}`
  if (rate('/pad') === 0) return 'the gamepad is not in it'
  const word = key => info.run.filter(x => x.key === key).at(-1)?.value
  if (word('outcome') !== 'success' || word('trainer') !== 't07') return JSON.stringify(info.run)
})
await test('how long a pose took to become joints was told', async () => {
  const told = [...said.matchAll(/pose to joints p50 ([\d.]+) ms, p99 ([\d.]+) ms/g)].at(-1)
  if (!told) return 'it was not'
  console.log(`# ${told[0]}`)
})
await test('it passes through curation into a dataset', async () => {
  run('curate', `${folder}/recordings`, '-o', `${folder}/episodes`, '--profile', 'etude-one', '-q')
  run('dataset', 'build', `${folder}/episodes`, '-o', `${folder}/dataset`, '--fps', '30', '-q')
  run('dataset', 'verify', `${folder}/dataset`)
  const info = JSON.parse(run('info', `${folder}/dataset`, '--json'))
  if (info.episodes !== 1 && info.n_episodes !== 1) return JSON.stringify(info).slice(0, 300)
})
plan()
