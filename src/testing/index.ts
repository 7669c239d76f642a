export * from '../race-kit/index.js'
export {
  type MachineOptions,
  type PersonOptions,
  type SignedInMachine,
  type SignedInPerson,
  signedInAs,
  type TestCookie
} from './signed-in-as.js'
export { type TestIssuer, type TestIssuerOptions, type TestTokenOptions, testIssuer } from './test-issuer.js'
