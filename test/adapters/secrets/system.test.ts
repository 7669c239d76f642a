import t from 'tap'
import { sha256, systemEntropy } from '../../../src/adapters/secrets/system.js'

t.test('random bytes have the requested length and do not repeat', async (t) => {
  t.equal(systemEntropy.bytes(32).length, 32)
  t.not(Buffer.from(systemEntropy.bytes(32)).toString('hex'), Buffer.from(systemEntropy.bytes(32)).toString('hex'))
})

t.test('a uuid is a lower-case version 4', async (t) => {
  t.match(systemEntropy.uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  t.not(systemEntropy.uuid(), systemEntropy.uuid())
})

t.test('the digest is SHA-256 in lower-case hex, of bytes or of UTF-8 text', async (t) => {
  const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
  t.equal(sha256('abc'), abc, 'the example of FIPS 180-4')
  t.equal(sha256(new Uint8Array([97, 98, 99])), abc)
  t.equal(sha256('é'), sha256(new Uint8Array([0xc3, 0xa9])))
})
