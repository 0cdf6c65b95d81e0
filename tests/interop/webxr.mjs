// A headset's browser: Chromium loads the page from Étude's own server, an emulated headset moves
// head and hands, and independent readers find just that in the recording. Prints TAP.
//
//   node webxr.mjs ETUDE FOLDER CHROMIUM [PICTURES]
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { McapIndexedReader } from '@mcap/core'
import { loadDecompressHandlers } from '@mcap/support'
import { parse } from '@foxglove/rosmsg'
import { MessageReader } from '@foxglove/rosmsg2-serialization'
import { chromium } from 'playwright-core'
import { frames_of_their_own, freePort, plan, skip, sleep, test, until as wait } from './support.mjs'

const [etude, folder, browserPath, pictures] = process.argv.slice(2)
const here = path.dirname(fileURLToPath(import.meta.url))
const HZ = 84, SKILL = 'take_bottle'
fs.mkdirSync(folder, { recursive: true })

const until = (what, isSo, ms = 30000) => wait(what, isSo, () => `the recorder said: ${said}`, ms)

// ---- the station ----

let said = ''
async function record(name, settings) {
  fs.writeFileSync(`${folder}/${name}.yaml`, `station: kitchen-1
skill: ${SKILL}
instruction: take the bottle and put it on the tray
sources:
  headset: {kind: webxr, ${settings}}
`)
  const recorder = spawn(etude, ['record', '--station', `${folder}/${name}.yaml`, '-o', `${folder}/${name}`],
    { stdio: ['ignore', 'pipe', 'pipe'] })
  process.on('exit', () => recorder.kill())
  said = ''
  for (const stream of [recorder.stdout, recorder.stderr]) stream.on('data', d => { said += d })
  const ended = new Promise(resolve => recorder.on('close', resolve))
  await until('the server listens', () => said.includes('://'))
  return async () => {
    recorder.kill('SIGINT')
    await ended
  }
}
const port = await freePort()
const url = `http://127.0.0.1:${port}/`
const endRecording = await record('recordings', `listen: "127.0.0.1:${port}"`)

// ---- a browser with a headset ----

async function openPage(browser, options = {}) {
  const page = await browser.newPage(options)
  page.problems = []
  page.on('pageerror', e => page.problems.push(String(e)))
  page.on('console', m => { if (m.type() === 'error') page.problems.push(m.text()) })
  return page
}
async function openHeadset(browser) {
  const page = await openPage(browser, { viewport: { width: 1280, height: 900 } })
  await page.addInitScript(frames_of_their_own, HZ)
  await page.addInitScript({ path: `${here}/node_modules/iwer/build/iwer.min.js` })
  await page.addInitScript(() => {
    window.headset = new IWER.XRDevice(IWER.metaQuest3)
    headset.installRuntime({ forceInstall: true }) // Chromium has a navigator.xr without a device
  })
  await page.goto(url)
  return page
}
const shoot = (page, name) => pictures && page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true })
const text = (page, id) => page.textContent('#' + id)

const browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox', '--enable-unsafe-swiftshader'] })
const plain = await openPage(browser, { viewport: { width: 1280, height: 900 } })
await test('a browser without a headset says what to do', async () => {
  await plain.goto(url)
  await until('it is connected', async () => (await text(plain, 'link')).includes('connected'))
  await shoot(plain, 'desktop')
  if (!(await plain.isVisible('#help')) || !(await plain.isDisabled('#enter'))) return 'no help is shown'
  if (!(await plain.evaluate(() => crossOriginIsolated))) return 'the page is not isolated: its clock is coarse'
  if (plain.problems.length) return plain.problems.join(' | ')
})

let page = await openHeadset(browser)
await test('a headset can enter, and frames go out', async () => {
  await until('it is connected', async () => (await text(page, 'link')).includes('connected'))
  await until('it may enter', () => page.isEnabled('#enter'))
  await shoot(page, 'ready')
  await page.click('#enter')
  await until('frames arrive', async () => parseInt(await text(page, 'rate')) > 20)
  if (!(await text(page, 'skill')).includes(SKILL)) return 'the skill is not shown'
  if (page.problems.length) return page.problems.join(' | ')
})

// Where the trainer is while each attempt is recorded, on WebXR's axes.
const HEAD = [0.1, 1.6, -0.2], LEFT = [-0.25, 1.1, -0.5], RIGHT = [0.3, 1.2, -0.45]
await test("the buttons of a page beside it begin and end an attempt", async () => {
  await page.evaluate(([head, left, right]) => {
    headset.position.set(...head)
    headset.quaternion.set(0, Math.SQRT1_2, 0, Math.SQRT1_2) // 90° to the left
    headset.controllers.left.position.set(...left)
    headset.controllers.right.position.set(...right)
    headset.controllers.right.updateButtonValue('trigger', 0.75)
    headset.controllers.left.updateAxes('thumbstick', 0.5, -0.25)
  }, [HEAD, LEFT, RIGHT])
  await sleep(300)
  await plain.click('[data-mark=start]')
  await until('it records', async () => (await text(plain, 'recording')).startsWith('recording'))
  await sleep(1500)
  await page.evaluate(x => headset.controllers.left.position.set(...x), [LEFT[0], LEFT[1] + 0.3, LEFT[2]])
  await sleep(1500)
  await shoot(plain, 'recording')
  await shoot(page, 'emulated')
  await plain.click('[data-mark=success]')
  await until('it ended', async () => (await text(plain, 'done')).startsWith('1 · 1'))
})
await test("a controller's button begins and ends the next, with bare hands in between", async () => {
  const press = async name => {
    await page.evaluate(n => headset.controllers.right.updateButtonValue(n, 1), name)
    await sleep(100)
    await page.evaluate(n => headset.controllers.right.updateButtonValue(n, 0), name)
  }
  await press('a-button')
  await until('it records', async () => (await text(page, 'recording')).startsWith('recording'))
  await page.evaluate(([left, right]) => {
    headset.primaryInputMode = 'hand'
    headset.hands.left.position.set(...left)
    headset.hands.right.position.set(...right)
    headset.hands.right.poseId = 'pinch'
    headset.hands.right.updatePinchValue(1)
  }, [LEFT, RIGHT])
  await sleep(1500)
  await page.evaluate(() => { headset.primaryInputMode = 'controller' })
  await sleep(300)
  await press('b-button')
  await until('it ended', async () => (await text(page, 'done')).startsWith('2 · 1'))
  if (page.problems.length) return page.problems.join(' | ')
})
await test('a second headset is told that another is in use, and comes in when that has gone', async () => {
  const other = await openHeadset(browser)
  await until('it may enter', () => other.isEnabled('#enter'))
  await other.click('#enter')
  await until('it is refused', async () => (await text(other, 'link')).includes('another headset'))
  await page.close()
  await until('it comes in', async () => parseInt(await text(other, 'rate')) > 20)
  await other.close()
  await until('its going is seen', async () => (await text(plain, 'rate')) === 'no headset')
})
await test('it is usable on a phone', async () => {
  const phone = await openPage(browser, { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true })
  await phone.goto(url)
  await until('it is connected', async () => (await text(phone, 'link')).includes('connected'))
  await shoot(phone, 'phone')
  const wide = await phone.evaluate(() => document.documentElement.scrollWidth)
  if (wide > 390) return `it is ${wide} pixels wide`
  await phone.close()
})
await endRecording()

// ---- over the network ----

const TOKEN = 'a-token-of-the-test-0123456789'
const host = Object.values(os.networkInterfaces()).flat().find(a => a.family === 'IPv4' && !a.internal)?.address
const by_network = 'from other machines it comes by TLS and with a token, which leaves the address'
if (!host) skip(by_network, 'no network')
else await test(by_network, async () => {
  const port = await freePort()
  fs.writeFileSync(`${folder}/token`, TOKEN + '\n')
  const end = await record('network', `listen: "0.0.0.0:${port}", state: ${folder}/state, token_file: ${folder}/token`)
  const page = await openPage(browser, { ignoreHTTPSErrors: true })
  const refused = await page.goto(`https://${host}:${port}/`)
  if (refused.status() !== 401) return `${refused.status()} without a token`
  await page.goto(`https://${host}:${port}/?token=${TOKEN}`)
  if (page.url().includes(TOKEN)) return 'the token stays in the address'
  await until('it is connected', async () => (await text(page, 'link')).includes('connected'))
  if (!(await page.evaluate(() => isSecureContext && 'xr' in navigator))) return 'no WebXR'
  if (said.includes(TOKEN)) return 'the token is told'
  await page.close()
  await end()
})
await browser.close()

// ---- what was recorded ----

const decompressHandlers = await loadDecompressHandlers()
async function read(file) {
  const bytes = fs.readFileSync(file)
  const reader = await McapIndexedReader.Initialize({
    decompressHandlers,
    readable: { size: async () => BigInt(bytes.length), read: async (at, n) => new Uint8Array(bytes.subarray(Number(at), Number(at + n))) },
  })
  const decoders = new Map(), found = {}
  for await (const m of reader.readMessages({ validateCrcs: true })) {
    const channel = reader.channelsById.get(m.channelId)
    if (!decoders.has(m.channelId)) {
      const schema = reader.schemasById.get(channel.schemaId)
      decoders.set(m.channelId, new MessageReader(parse(new TextDecoder().decode(schema.data), { ros2: true })))
    }
    (found[channel.topic] ??= []).push({ log: m.logTime, publish: m.publishTime, ...decoders.get(m.channelId).readMessage(m.data) })
  }
  return found
}
const files = fs.readdirSync(`${folder}/recordings`).filter(f => f.endsWith('.mcap')).sort().map(f => `${folder}/recordings/${f}`)
const [first, second] = await Promise.all(files.slice(0, 2).map(read))

const near = (a, b, by = 1e-4) => Math.abs(a - b) <= by
const isAt = (pose, [x, y, z]) => near(pose.position.x, -z) && near(pose.position.y, -x) && near(pose.position.z, y)

const times = first['/headset/frame'].map(m => Number(m.publish) / 1e9)
const hz = (times.length - 1) / (times.at(-1) - times[0])
const at_its_rate = 'poses are in the recording at 72 to 90 Hz'
if (hz < 72) skip(at_its_rate, `this machine draws at ${hz.toFixed(0)} Hz`)
else await test(at_its_rate, async () => {
  console.log(`# ${hz.toFixed(1)} Hz over ${(times.at(-1) - times[0]).toFixed(1)} s`)
  if (hz > 90) return `${hz} Hz`
})
await test('each frame that was drawn is there, head and hands', async () => {
  for (const name of ['head', 'left_hand', 'right_hand'])
    if (first[`/headset/${name}`].length !== times.length) return `${name}: ${first[`/headset/${name}`].length} of ${times.length}`
  const seqs = first['/headset/frame'].map(m => m.seq)
  if (seqs.some((s, i) => i > 0 && s !== seqs[i - 1] + 1)) return 'numbers are missing'
})
await test("the poses are those of the emulated headset, on the robot's axes", async () => {
  const middle = k => first[`/headset/${k}`][Math.floor(first[`/headset/${k}`].length / 2)]
  if (middle('head').name !== 'operator.head' || !isAt(middle('head').pose, HEAD)) return JSON.stringify(middle('head'))
  // A turn about "up" stays one: y of WebXR is z of the robot.
  const q = middle('head').pose.orientation
  if (!near(q.z, Math.SQRT1_2) || !near(q.w, Math.SQRT1_2)) return JSON.stringify(q)
  const right = middle('right_hand')
  if (!right.is_tracked || right.name !== 'operator.right_hand') return right.name
  if (Math.hypot(right.pose.position.x + RIGHT[2], right.pose.position.y + RIGHT[0], right.pose.position.z - RIGHT[1]) > 0.1)
    return JSON.stringify(right.pose.position) // the grip is near the controller's middle
  const heights = first['/headset/left_hand'].map(m => m.pose.position.z)
  const t0 = first['/headset/left_hand'][0].publish
  const early = first['/headset/left_hand'].find(m => m.publish - t0 > 1300000000n) // a second was kept from before
  const rise = heights.at(-1) - early.pose.position.z
  if (!near(rise, 0.3, 0.01)) return `the left hand rose by ${rise}`
})
await test('triggers, sticks and buttons have their names and values', async () => {
  const right = first['/headset/right_hand'].at(-50), left = first['/headset/left_hand'].at(-50)
  const axis = (m, name) => m.axis[m.axis_name.indexOf(name)]
  if (!near(axis(right, 'trigger'), 0.75) || !right.button[right.button_name.indexOf('trigger')]) return JSON.stringify(right, (k, v) => typeof v === 'bigint' ? String(v) : v)
  if (!near(axis(left, 'stick_x'), 0.5) || !near(axis(left, 'stick_y'), -0.25)) return `${left.axis_name}: ${left.axis}`
  const pressed = second['/headset/right_hand'].some(m => m.button[m.button_name.indexOf('a')])
  if (!pressed) return 'the button A was never pressed'
})
await test('bare hands have 25 joints each, at the hand', async () => {
  for (const side of ['left', 'right']) {
    const joints = second[`/headset/${side}_hand/joints`] ?? []
    if (joints.length < 30) return `${joints.length} of ${side}`
    if (joints.some(m => m.poses.length !== 25)) return 'not 25'
    const p = joints.at(-20).poses[0].position, want = side === 'left' ? LEFT : RIGHT
    if (Math.hypot(p.x + want[2], p.y + want[0], p.z - want[1]) > 0.2) return `the ${side} wrist is at ${JSON.stringify(p)}`
    const q = joints.at(-20).poses.map(x => Math.hypot(x.orientation.x, x.orientation.y, x.orientation.z, x.orientation.w))
    if (q.some(n => !near(n, 1, 1e-6))) return 'a rotation is none'
  }
})
await test('frames were sent after they began, and came after they were sent, by the measured clock', async () => {
  const whole = first['/headset/frame'].filter(m => m.uncertainty_ns > 0n)
  if (whole.length < 30) return `the clock is known in ${whole.length} frames`
  const doubt = Number(whole.at(-1).uncertainty_ns) / 1e6
  console.log(`# the clock is known to ${doubt.toFixed(2)} ms`)
  if (doubt > 20) return `known to ${doubt} ms`
  for (const m of whole) if (m.t_sent_ns < m.publish) return 'sent before it began'
  const models = first['/headset/clock']
  if (models.length < 2 || models[0].stream !== 'headset' || models[0].offset_ns.length !== 1) return `${models.length} clock models`
})
await test('the marks are events, by page and by button, around which the recording begins and ends', async () => {
  const kinds = e => e.map(m => `${m.kind}:${m.text}:${m.value}`)
  const a = kinds(first['/events']), b = kinds(second['/events'])
  if (!a.includes('mark:success:{"by": "page"}')) return a.join(' | ')
  if (!b.includes('mark:failure:{"by": "right_b"}')) return b.join(' | ')
  if (files.length !== 2) return `${files.length} recordings`
})

plan()
