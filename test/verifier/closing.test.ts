import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { startIssuer } from '../support/verifier/issuer.js'
import { openVerifier, verificationCode, withFeed } from '../support/verifier/verifiers.js'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

t.test(
  'closing the verifier ends the connection to the feed, also after a garbage collection',
  { timeout: 20_000 },
  async (t) => {
    const issuer = await startIssuer(t)
    const { verifier } = openVerifier(t, issuer, withFeed)
    t.equal(await verificationCode(verifier, issuer.token()), 'accepted')
    collectGarbage()
    await verifier.close()
    t.pass('closed')
  }
)
