// PNG, grey or RGB, 8 or 16 bits, not interlaced: written from the standard (ISO/IEC 15948), apart from
// the library under test. Every checksum counts.
import zlib from 'node:zlib'

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

function paeth(a, b, c) {
  const [pa, pb, pc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)]
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c
}

// {width, height, channels, bits, values}: values row by row, channels side by side.
export function decode(bytes) {
  const buf = Buffer.from(bytes)
  if (SIGNATURE.some((b, i) => buf[i] !== b)) throw new Error('no PNG by its first bytes')
  const data = []
  let head
  let is_ended = false
  for (let at = 8; at < buf.length && !is_ended; ) {
    const n = buf.readUInt32BE(at)
    const type = buf.toString('latin1', at + 4, at + 8)
    const body = buf.subarray(at + 8, at + 8 + n)
    if (zlib.crc32(buf.subarray(at + 4, at + 8 + n)) !== buf.readUInt32BE(at + 8 + n)) throw new Error(`wrong checksum of ${type}`)
    if (type === 'IHDR') head = { width: body.readUInt32BE(0), height: body.readUInt32BE(4), bits: body[8], colour: body[9], interlace: body[12] }
    if (type === 'IDAT') data.push(body)
    is_ended = type === 'IEND'
    at += 12 + n
  }
  const channels = { 0: 1, 2: 3 }[head?.colour]
  if (!is_ended || !channels || ![8, 16].includes(head.bits) || head.interlace) throw new Error(`not read: ${JSON.stringify(head)}`)
  const size = head.bits / 8
  const step = channels * size
  const stride = head.width * step
  const raw = zlib.inflateSync(Buffer.concat(data))
  if (raw.length !== head.height * (stride + 1)) throw new Error(`${raw.length} bytes of pixels`)
  const out = Buffer.alloc(head.height * stride)
  for (let y = 0; y < head.height; y++) {
    const filter = raw[y * (stride + 1)]
    for (let x = 0; x < stride; x++) {
      const at = y * stride + x
      const a = x >= step ? out[at - step] : 0
      const b = y > 0 ? out[at - stride] : 0
      const c = x >= step && y > 0 ? out[at - stride - step] : 0
      out[at] = raw[y * (stride + 1) + 1 + x] + [0, a, b, (a + b) >> 1, paeth(a, b, c)][filter]
    }
  }
  const values = Array.from({ length: out.length / size }, (_, i) => (size === 2 ? out.readUInt16BE(2 * i) : out[i]))
  return { width: head.width, height: head.height, channels, bits: head.bits, values }
}
