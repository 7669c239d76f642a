// Compiled by `npm run types`, never run: each @ts-expect-error marks a use that must not compile.
import { createVerifier, type RefusalCode } from '../../src/verifier/index.js'

const verifier = createVerifier({ issuer: 'https://auth.example.com', audience: 'https://auth.example.com' })
const result = await verifier.verify('a token')

// @ts-expect-error a refused token has no claims
result.claims
if (result.ok) {
  const subject: string = result.claims.sub
  // @ts-expect-error an accepted token has no code
  result.code
  console.log(subject, result.auth.roles)
} else {
  const code: RefusalCode = result.code
  // @ts-expect-error a refused token has no user
  result.auth
  console.log(code, result.status, result.headers, result.body)
}
