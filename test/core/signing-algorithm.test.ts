import t from 'tap'
import { isSigningAlgorithm, signingAlgorithms } from '../../src/core/signing-algorithm.js'

t.test('the algorithms that may sign', async (t) => {
  t.strictSame(signingAlgorithms, ['ES256', 'EdDSA', 'RS256', 'HS256'])
  for (const algorithm of signingAlgorithms) t.ok(isSigningAlgorithm(algorithm), algorithm)
  for (const text of ['', 'none', 'None', 'es256', 'HS512', 'ES256 ']) t.notOk(isSigningAlgorithm(text), text)
})
