import assert from 'node:assert/strict'
import { tokensOf } from './verify.js'

const { ISSUER: issuer, ACCESS_TOKEN: token } = process.env
const verify = tokensOf(issuer)

const claims = await verify(token)
assert.equal(claims.iss, issuer)
assert.deepEqual(claims.roles, [])

const [header, , signature] = token.split('.')
const payload = Buffer.from(JSON.stringify({ ...claims, roles: ['admin'] })).toString('base64url')
const forged = [header, payload, signature].join('.')
await assert.rejects(verify(forged), { code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' })

const elsewhere = tokensOf(issuer, 'https://elsewhere.example.com')
await assert.rejects(elsewhere(token), { code: 'ERR_JWT_CLAIM_VALIDATION_FAILED', claim: 'aud' })
console.log('The example works: jose accepts the token, and refuses it with another payload or for another audience.')
