import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { startIssuer } from '../support/verifier/issuer.js'
import { followed, verifierOf, worth } from '../support/verifier/verifiers.js'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

t.test('closing ends the feed, also after a garbage collection', { timeout: 20_000 }, async (t) => {
  const issuer = await startIssuer(t)
  const { verifier } = verifierOf(t, issuer, followed)
  t.equal(await worth(verifier, issuer.token()), 'accepted')
  collectGarbage()
  await verifier.close()
  t.pass('closed')
})
