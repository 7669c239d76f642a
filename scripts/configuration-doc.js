// Writes docs/configuration.md from the schema of the settings. With --check it writes nothing and
// fails where the page is stale.
import './compile.js'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const { expectation, settings } = await import('../build/src/config/schema.js')
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const page = join(root, 'docs/configuration.md')
const text = render()

if (!process.argv.includes('--check')) writeFileSync(page, text)
else if (readPage() !== text) {
  console.error('docs/configuration.md is stale. Run: node scripts/configuration-doc.js')
  process.exitCode = 1
}

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
