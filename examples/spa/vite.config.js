import { fileURLToPath } from 'node:url'

/** Uses this repository's build of latchkey. An app that has latchkey installed does not need this file. */
export default {
  resolve: { alias: { 'latchkey/client': fileURLToPath(new URL('../../dist/client/index.js', import.meta.url)) } },
  // check.js starts Latchkey at another address.
  plugins: [{ name: 'issuer', transform: (code) => code.replace('http://localhost:3000', process.env.ISSUER ?? '$&') }]
}
