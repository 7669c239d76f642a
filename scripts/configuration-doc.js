// Writes docs/configuration.md from the schema of the settings. With --check it writes nothing and
// fails where the page is stale. It reads the build, so it refuses a build older than the schema.
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const page = join(root, 'docs/configuration.md')
const source = join(root, 'src/config/schema.ts')
const built = join(root, 'dist/config/schema.js')

if ((statSync(built, { throwIfNoEntry: false })?.mtimeMs ?? 0) < statSync(source).mtimeMs) {
  fail('The build is older than src/config/schema.ts. Run: npm run build')
}
const { expectation, settings } = await import(built)
const text = render()

if (!process.argv.includes('--check')) writeFileSync(page, text)
else if (readPage() !== text) fail('docs/configuration.md is stale. Run: node scripts/configuration-doc.js')

function render() {
  return `# Configuration

Settings are environment variables, read once at start. Every mistake is reported at once, and the process does not
start. A variable that is set and empty counts as not set. A name that begins with \`LATCHKEY_\` is no setting and is
warned about.

${settings.map(section).join('\n')}
<!-- Generated from src/config/schema.ts by scripts/configuration-doc.js -->
`
}

function section({ variable, schema }) {
  const byDefault = schema.otherwise ?? code(schema.default) ?? 'none'
  const example = schema.examples?.[0]
  return `## ${variable}

${schema.description}

- Value: ${expectation(schema)}${schema.secret ? '. Never printed' : ''}
- Default: ${byDefault}
${example === undefined ? '' : `- Example: \`${variable}=${example}\`\n`}`
}

function code(value) {
  return value === undefined ? undefined : `\`${value}\``
}

function readPage() {
  try {
    return readFileSync(page, 'utf8')
  } catch {
    return undefined
  }
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
