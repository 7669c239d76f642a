import { fileURLToPath } from 'node:url'

/** An app of yours has latchkey installed and needs no such file; here it is this repository's own build. */
export default {
  resolve: { alias: { 'latchkey/client': fileURLToPath(new URL('../../dist/client/index.js', import.meta.url)) } },
  // The check has its Latchkey elsewhere.
  plugins: [{ name: 'issuer', transform: (code) => code.replace('http://localhost:3000', process.env.ISSUER ?? '$&') }]
}
