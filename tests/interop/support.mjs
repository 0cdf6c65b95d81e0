// What the interop tests share: statements as TAP, waiting, a port, a headset's rate.
import net from 'node:net'

let n_tests = 0

// The statement holds when `body` returns nothing; else it returns, or throws, what is wrong.
export async function test(name, body) {
  let problem
  try {
    problem = await body()
  } catch (e) {
    problem = String(e.stack || e).replaceAll('\n', ' | ')
  }
  n_tests++
  if (problem) console.log('# ' + problem)
  console.log(`${problem ? 'not ok' : 'ok'} ${n_tests} - ${name}`)
}
export const skip = (name, why) => console.log(`ok ${++n_tests} - ${name} # SKIP ${why}`)
export const plan = () => console.log(`1..${n_tests}`)

export const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))

// Waits until `isSo`; `more` says what else is known when it does not come about.
export async function until(what, isSo, more = () => '', ms = 60000) {
  const end = Date.now() + ms
  while (Date.now() < end) {
    if (await isSo()) return
    await sleep(50)
  }
  throw new Error(`it did not come about: ${what}; ${more()}`)
}

export const freePort = () => new Promise(resolve => {
  const server = net.createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address()
    server.close(() => resolve(port))
  })
})

// For a page, before it loads: a headset's frames come at its own rate, whatever the screen's is.
export const frames_of_their_own = hz => {
  let next = performance.now(), n = 0
  const waiting = new Map()
  window.requestAnimationFrame = call => (waiting.set(++n, call), n)
  window.cancelAnimationFrame = i => waiting.delete(i)
  const turn = () => {
    const calls = [...waiting.values()]
    waiting.clear()
    for (const call of calls) call(performance.now())
    next = Math.max(next + 1000 / hz, performance.now() - 50)
    setTimeout(turn, next - performance.now())
  }
  turn()
}
